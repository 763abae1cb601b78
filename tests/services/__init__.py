"""Real database servers for tests: Debian's binaries, on a free loopback port, in a temporary directory."""

from tests.services.mariadb import MariaDB
from tests.services.postgres import Postgres
from tests.services.process import ServiceAbsent, ServiceFailed

__all__ = ["MariaDB", "Postgres", "ServiceAbsent", "ServiceFailed"]
