"""Certificate and key, tried before the start."""

import pytest
import trustme

from ops.scorer.tls import check_tls
from schemas.errors import ConfigurationError


@pytest.fixture
def files(tmp_path):
    authority = trustme.CA()
    pairs = []
    for number in range(2):
        made = authority.issue_cert("localhost")
        cert, key = tmp_path / f"{number}.pem", tmp_path / f"{number}.key"
        made.cert_chain_pems[0].write_to_path(cert)
        made.private_key_pem.write_to_path(key)
        pairs.append((cert, key))
    return pairs


def test_a_pair_is_taken_and_none_is_needed(files):
    """Nothing is said."""
    check_tls(*files[0])
    check_tls(None, None)


def test_what_does_not_fit_is_named(files, tmp_path):
    """Missing file, another certificate's key, no PEM file."""
    (cert, key), (_, other_key) = files
    with pytest.raises(ConfigurationError, match=r"scorer\.tls_key.*cannot be read"):
        check_tls(cert, tmp_path / "nowhere.key")
    with pytest.raises(ConfigurationError, match="does not belong"):
        check_tls(cert, other_key)
    with pytest.raises(ConfigurationError, match="PEM"):
        check_tls(key, cert)
    (tmp_path / "text").write_text("no certificate")
    with pytest.raises(ConfigurationError, match="PEM"):
        check_tls(tmp_path / "text", key)
