"""`python -m cmms simulate` and `python -m cmms demo`: a vendor without an account, and the main job on it."""

from __future__ import annotations

import argparse
import sys

from . import _native, exceptions
from ._demo import demo
from ._transport import error_of


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cmms", description="Tries cmms out without an account at a vendor.")
    commands = parser.add_subparsers(dest="command", required=True)
    simulate = commands.add_parser("simulate", help="run a simulated vendor until Ctrl-C")
    simulate.add_argument("vendor", choices=_native.simulated())
    simulate.add_argument("--port", type=int, default=9100, help="on 127.0.0.1; 0 takes any free one (%(default)s)")
    simulate.add_argument("--assets", type=int, default=200, help="how many it has (%(default)s)")
    simulate.add_argument("--work-orders", type=int, default=2_000, help="how many it has (%(default)s)")
    simulate.add_argument("--seed", type=int, default=1, help="another one gives other records (%(default)s)")
    simulate.add_argument("--latency-ms", type=int, default=0, help="what it waits before each answer (%(default)s)")
    simulate.add_argument("--page-cap", type=int, help="the largest page that it answers")
    simulate.add_argument("--edits-per-minute", type=int, default=0, help="records that change by themselves (%(default)s)")
    shown = commands.add_parser("demo", help="connect to a simulated vendor, sync, sync what changed")
    shown.add_argument("--seed", type=int, default=1, help="another one gives other records (%(default)s)")
    return parser


def _simulate(args: argparse.Namespace) -> int:
    options = {name: value for name, value in vars(args).items() if name not in ("command", "vendor")}
    vendor = _native.Simulator(args.vendor, **options)
    print(f"A simulated {args.vendor}, nothing of it is real:")
    rows = {"address": vendor.address, **vendor.account}
    rows["records"] = f"{args.assets} assets, {args.work_orders} work orders"
    for name, value in rows.items():
        print(f"  {name:10}{value}")
    print(f'To call it: cmms.open(settings={{"CMMS_EGRESS_ALLOW": "{vendor.address}"}})', flush=True)
    try:
        vendor.run()
    except KeyboardInterrupt:
        pass
    return 0


def main() -> int:
    """Carries out what the command line asks for."""
    args = _parser().parse_args()
    try:
        return _simulate(args) if args.command == "simulate" else demo(args.seed)
    except _native.Problem as problem:
        print(error_of(problem.args[0]), file=sys.stderr)
    except (exceptions.CmmsError, FileExistsError, OverflowError) as error:
        print(error, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
