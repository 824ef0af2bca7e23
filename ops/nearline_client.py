"""What the nearline service says of itself, for the demo."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["model_calls"]


def model_calls(url: str) -> int:
    """Completions that the service asked of the summarizer since it started, retries included.

    Raises:
        httpx.HTTPError: It cannot be reached.
    """
    text = httpx.get(f"{url}/metrics", timeout=5, trust_env=False).raise_for_status().text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name == "precis_nearline_model_calls_total"))
