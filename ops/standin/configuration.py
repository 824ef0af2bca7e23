"""What clients are told of the cluster: its one node, its buckets, where keys lie."""

from dataclasses import dataclass
from typing import Any

from ops.standin.documents import Bucket

__all__ = ["Node"]

_NUM_VBUCKETS = 64
"""All on the one node. The real server has 1,024; fewer keep the answer short."""

_VERSION = "7.6.0-0000-enterprise"
"""The SDK decides by it what it may ask for, and ends its process where it is missing."""


@dataclass(frozen=True, slots=True)
class Node:
    """The one node.

    Attributes:
        host: Address that clients reach it at.
        port: Of the key-value service.
        http_port: Of the management service.
        revision: Of this description; a client keeps to the highest it has seen.
    """

    host: str
    port: int
    http_port: int
    revision: int

    def describe(self, bucket: Bucket | None) -> dict[str, Any]:
        """The cluster, or with a bucket that bucket, as clients are told over the key-value protocol."""
        described: dict[str, Any] = {
            "revEpoch": 1,
            "rev": self.revision,
            "clusterName": "kv-stand-in",
            "nodesExt": [
                {"services": {"kv": self.port, "mgmt": self.http_port}, "thisNode": True, "hostname": self.host}
            ],
            "clusterCapabilitiesVer": [1, 0],
            "clusterCapabilities": {},
        }
        if bucket is None:
            return described
        return described | {
            "name": bucket.name,
            "uuid": bucket.uuid,
            "nodeLocator": "vbucket",
            "uri": f"/pools/default/buckets/{bucket.name}",
            "streamingUri": "",
            "nodes": [{"hostname": f"{self.host}:{self.http_port}", "ports": {"direct": self.port}}],
            "bucketCapabilitiesVer": "",
            "bucketCapabilities": [
                "collections",
                "durableWrite",
                "tombstonedUserXAttrs",
                "xattr",
                "cbhello",
                "touch",
                "cccp",
                "nodesExt",
                "xdcrCheckpointing",
                "couchapi",
            ],
            "vBucketServerMap": {
                "hashAlgorithm": "CRC",
                "numReplicas": 0,
                "serverList": [f"{self.host}:{self.port}"],
                "vBucketMap": [[0]] * _NUM_VBUCKETS,
            },
        }

    def describe_bucket(self, bucket: Bucket) -> dict[str, Any]:
        """A bucket as the management service lists it."""
        node = {
            "hostname": f"{self.host}:{self.http_port}",
            "status": "healthy",
            "version": _VERSION,
            "clusterMembership": "active",
            "otpNode": f"n_0@{self.host}",
            "clusterCompatibility": 458_758,
            "os": "linux",
            "thisNode": True,
            "services": ["kv"],
            "ports": {"direct": self.port},
        }
        quota = 256 * 1024 * 1024
        return {
            "name": bucket.name,
            "uuid": bucket.uuid,
            "bucketType": "membase",
            "quota": {"ram": quota, "rawRAM": quota},
            "replicaNumber": 0,
            "replicaIndex": False,
            "nodes": [node],
            "controllers": {"flush": ""},
            "evictionPolicy": "valueOnly",
            "maxTTL": 0,
            "compressionMode": "passive",
            "conflictResolutionType": "seqno",
            "storageBackend": "couchstore",
            "durabilityMinLevel": "none",
        }
