"""A node of OpenSearch, from its parts on Maven: there is no distribution there, and this is what one comes to.

A server is its jars, a folder of modules (here the one that brings HTTP) and two files of configuration. A test's own
leaves out what needs rights: without its native library it neither locks memory nor asks who runs it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.kafka.java import find_java
from ops.maven.jars import Jars, fetched
from ops.maven.lock import JarLock
from ops.ports import lasting_ports
from ops.settings import environment_cache, environment_for
from ops.supervise import Child, ChildSpec

__all__ = ["opensearch_node"]

_HERE = Path(__file__).parent
_HOST = "127.0.0.1"
_JVM = (
    *("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.security.manager=allow"),
    *("-Djna.nosys=true", "-Djna.noclasspath=true", "-Djna.nounpack=true", "-Dlog4j2.disable.jmx=true"),
)
_SETTINGS = """\
discovery.type: single-node
network.host: {host}
http.port: {http}
transport.port: {transport}
cluster.routing.allocation.disk.threshold_enabled: false
"""
_LOG = """\
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%p][%c{1}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
_MODULE = """\
name=transport-netty4
description=HTTP and transport
version=2.19.1
opensearch.version=2.19.1
java.version=11
classname=org.opensearch.transport.Netty4Plugin
"""
_POLICY = """\
grant {
  permission java.lang.RuntimePermission "getClassLoader";
  permission java.lang.RuntimePermission "setContextClassLoader";
  permission java.net.SocketPermission "*", "accept,connect";
};
"""


@contextmanager
def opensearch_node(home: Path) -> Iterator[str]:
    """A single node with its data below ``home``, which is empty. Yields its address.

    Raises:
        ConfigurationError: Java or Maven is missing.
        BackendUnavailable: The jars cannot be fetched, or it does not start; the message has the end of its log.
    """
    lock = JarLock.parse((_HERE / "jars.lock").read_text())
    jars = fetched(environment_cache(), Jars("opensearch", "the jars of OpenSearch", _HERE / "pom.xml", lock))
    http, transport = lasting_ports(2)
    in_module = _lay_out(home, jars, _SETTINGS.format(host=_HOST, http=http, transport=transport))
    class_path = ":".join(str(jar) for jar in sorted(jars.glob("*.jar")) if jar.name not in in_module)
    places = (f"-Dopensearch.path.home={home}", f"-Dopensearch.path.conf={home / 'config'}")
    command = [str(find_java(jars).program), *_JVM, *places, f"-Djava.io.tmpdir={home / 'tmp'}", "-cp", class_path]
    address = f"http://{_HOST}:{http}"
    node = Child(
        ChildSpec(
            name="opensearch",
            command=[*command, "org.opensearch.bootstrap.OpenSearch"],
            environment=environment_for({}),
            ready_url=f"{address}/_cluster/health",
            log_file=home / "opensearch.log",
        )
    )
    try:
        node.wait_ready()
        yield address
    finally:
        node.kill()  # an orderly stop takes 30 s, and its data end with the test


def _lay_out(home: Path, jars: Path, settings: str) -> set[str]:
    """Make the folders of a distribution. Returns the jars of the module, which must not be on the class path too."""
    module = home / "modules" / "transport-netty4"
    for folder in (module, home / "config", home / "plugins", home / "lib", home / "logs", home / "tmp"):
        folder.mkdir(parents=True)
    (home / "config" / "opensearch.yml").write_text(settings)
    (home / "config" / "log4j2.properties").write_text(_LOG)
    (module / "plugin-descriptor.properties").write_text(_MODULE)
    (module / "plugin-security.policy").write_text(_POLICY)
    theirs = [*jars.glob("netty-*.jar"), *jars.glob("transport-netty4-client-*.jar")]
    for jar in theirs:
        shutil.copy(jar, module)
    return {jar.name for jar in theirs}
