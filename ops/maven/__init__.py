"""What is fetched from Maven: jars by a ``pom.xml``, each compared with a digest that is committed, then kept.

Where Maven's repository is, and how it is reached, stands in the settings of whoever runs it (``~/.m2/settings.xml``).
"""
