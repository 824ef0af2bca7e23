"""Summaries straight from Couchbase, in another service: one round trip, no call to Précis.

pip install couchbase
python couchbase_lookup.py couchbase://localhost user password job-1 job-2
"""

import sys

from couchbase.auth import PasswordAuthenticator
from couchbase.cluster import Cluster
from couchbase.exceptions import DocumentNotFoundException
from couchbase.options import ClusterOptions


def live_summaries(cluster: Cluster, job_ids: list[str]) -> dict[str, str]:
    """Job id -> header and summary; unknown and deleted jobs are left out.

    Raises:
        CouchbaseException: A read failed: a cluster that is away is not one that knows no such job.
    """
    found = cluster.bucket("precis").scope("precis").collection("summaries").get_multi(job_ids)
    for error in found.exceptions.values():  # get_multi does not raise by itself
        if not isinstance(error, DocumentNotFoundException):
            raise error
    documents = {job_id: result.content_as[dict] for job_id, result in found.results.items()}
    return {
        job_id: f"{document['header']}\n{document['summary']}"
        for job_id, document in documents.items()
        if document["state"] != "deleted"
    }


if __name__ == "__main__":
    _, url, user, password, *names = sys.argv
    connected = Cluster.connect(url, ClusterOptions(PasswordAuthenticator(user, password)))
    for name, text in live_summaries(connected, names).items():
        print(f"{name}\n{text}\n")
    connected.close()
