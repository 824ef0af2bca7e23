"""Settings: sources, contradictions, secrets."""

import pytest

from ops.settings import Settings, environment_for, load_settings
from schemas.errors import ConfigurationError


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    """No settings of the machine reach the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PRECIS_CONFIG", raising=False)


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    """Arguments, then the environment, then precis.toml."""
    (tmp_path / "precis.toml").write_text('[scorer]\nport = 1111\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("PRECIS_SCORER__PORT", "2222")
    settings = load_settings()
    assert (settings.scorer.port, settings.scorer.host) == (2222, "0.0.0.0")  # noqa: S104 (a value to read back)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"profile": "external"}, ["'external'", "kafka.bootstrap", "ranker.url"]),
        ({"nearline": {"window": 4, "max_in_flight": 9}}, ["4", "9"]),
        ({"scorer": {"port": 9101}}, ["scorer.port", "nearline.metrics_port", "9101"]),
        ({"scorer": {"admin_port": 8079, "workers": 2}}, ["scorer.port", "scorer.admin_port", "8079"]),
        ({"scorer": {"tls_cert": "c.pem"}}, ["scorer.tls_cert", "scorer.tls_key"]),
        ({"store": {"kind": "couchbase"}}, ["store.couchbase.password"]),
        ({"ingest": {"max_outstanding_bytes": 20_000_000}}, ["20000000", "topics.num_partitions"]),
        ({"scorer": {"prot": 1}}, ["scorer.prot"]),
        ({"nearline": {"drift": {"window": 79}}}, ["nearline.drift.window"]),
        ({"nearline": {"drift": {"share": 0}}}, ["nearline.drift.share"]),
    ],
)
def test_contradictions_are_refused_with_both_names(values, named):
    """A start with settings that cannot work fails at once, and says which ones."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**values)
    for name in named:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("PRECIS_RNAKER__DTYPE", "PRECIS_RANKER__"), ("PRECIS_LOCALE__NUM_THREADS", "engine, nearline")],
)
def test_a_misspelled_section_in_the_environment_is_refused(monkeypatch, name, hint):
    """It would be passed over, and the default would stand."""
    monkeypatch.setenv(name, "2")
    with pytest.raises(ConfigurationError, match=hint) as raised:
        load_settings()
    assert name in str(raised.value)


def test_names_that_are_no_settings_are_left_alone(monkeypatch):
    """Of the cluster's services, and of this project's own tools."""
    monkeypatch.setenv("PRECIS_SCORER_PORT_8080_TCP_ADDR", "10.0.0.1")
    monkeypatch.setenv("PRECIS_REQUIRE_ALL", "1")
    load_settings()


def test_a_named_file_must_exist(monkeypatch):
    """PRECIS_CONFIG that points nowhere is a mistake, not an empty file."""
    monkeypatch.setenv("PRECIS_CONFIG", "nowhere.toml")
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        load_settings()


def test_broken_toml_is_reported(tmp_path):
    """A file that is no TOML gives a settings error, not a traceback."""
    (tmp_path / "precis.toml").write_text("port = = 3")
    with pytest.raises(ConfigurationError, match="settings cannot be read"):
        load_settings()


def test_secrets_are_masked_when_printed():
    """The password is in no dump of the settings."""
    settings = load_settings(store={"couchbase": {"password": "hunter2"}})
    assert "hunter2" not in settings.model_dump_json()
    assert "hunter2" not in repr(settings)


def test_every_field_says_what_it_is():
    """Each setting has a description; `precis config` and the documentation depend on it."""
    missing = []

    def walk(model, path):
        for name, field in model.model_fields.items():
            inner = field.annotation
            if hasattr(inner, "model_fields"):
                walk(inner, f"{path}{name}.")
            elif not field.description:
                missing.append(f"{path}{name}")

    walk(Settings, "")
    assert missing == []


def test_a_child_gets_its_settings_by_environment():
    """Setting paths become the names that the settings are read from."""
    environment = environment_for({"kafka.bootstrap": "127.0.0.1:1"})
    assert environment["PRECIS_KAFKA__BOOTSTRAP"] == "127.0.0.1:1"
    assert "PATH" in environment


def test_one_field_of_a_section_leaves_the_others_as_they_are(tmp_path, monkeypatch):
    """An engine's address alone does not take away its bundle, from whatever source it comes."""
    monkeypatch.setenv("PRECIS_RANKER__URL", "http://r")
    (tmp_path / "precis.toml").write_text('[summarizer]\nurl = "http://s"\n[store.couchbase]\nusername = "me"\n')
    settings = load_settings()
    assert (settings.ranker.url, settings.ranker.bundle.name) == ("http://r", "ranker-tiny")
    assert (settings.summarizer.url, settings.summarizer.bundle.name) == ("http://s", "summarizer-tiny")
    assert settings.store.couchbase.password.get_secret_value() == ""


@pytest.mark.parametrize("url", [["http://a:1", "http://b:2"], "http://a:1,http://b:2"])
def test_an_engine_may_have_several_replicas(url: object) -> None:
    """As a list in the file, or separated by commas in a variable."""
    assert load_settings(ranker={"url": url}).ranker.url == "http://a:1,http://b:2"
