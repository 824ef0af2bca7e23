"""What `precis label` does around ``models.labels``: options, progress, reports."""
