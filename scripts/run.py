"""`make run`: start the product with demo data, say where it is, and stop it on Ctrl-C."""

import sys

from scripts import paths
from scripts.console import Failed, complain, say, tail
from scripts.paths import shown
from scripts.state import RunState
from scripts.stopping import no_longer_stop, raise_when_stopped
from scripts.system import Died, System

WELCOME = """
ZaaZ is ready at {base}

  pages        {base}/
  API docs     {base}/api/docs and {base}/api/redoc
  back office  {base}/admin/
  simulator    {simulator}/ (the payment service provider)
  e-mail       {mail}/ (every message that is sent)
  logs         {logs}/

  accounts     admin@zaaz.test and customer@zaaz.test
  password     {password} (of both)

`make demo` in another shell plays the main job. Ctrl-C stops everything.
"""


def main() -> int:
    raise_when_stopped()
    system = System()
    exit_code = 0
    try:
        say(_welcome(system.start()))
        system.watch()
    except KeyboardInterrupt:
        say("\nstopping ...")
    except Died as error:
        complain(f"{error}\n{tail(error.process.log)}\nstopping the rest ...")
        exit_code = error.exit_code
    except (Failed, PermissionError) as error:
        complain(str(error))
        exit_code = 1
    finally:
        no_longer_stop()
        system.stop()
    return exit_code


def _welcome(state: RunState) -> str:
    return WELCOME.format(
        base=state.base_url,
        simulator=state.simulator_url,
        password=state.variables["DEMO_PASSWORD"],
        mail=shown(paths.MAIL),
        logs=shown(paths.LOGS),
    )


if __name__ == "__main__":
    sys.exit(main())
