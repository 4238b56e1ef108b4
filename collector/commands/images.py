"""`goaltrace images`: build the desktop and terminal images, list them, and check that they really work."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from collector.images.context import KINDS


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare build, list and check."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser("build", help="build the images (both, unless one is named)")
    build.add_argument("kind", nargs="?", choices=KINDS, help="which image; both when left out")
    build.add_argument(
        "--base",
        default="ubuntu:24.04",
        metavar="IMAGE",
        help="a Debian or Ubuntu image, or `bootstrap` to make one with debootstrap from this host's "
        "own mirror (default: %(default)s)",
    )
    build.add_argument(
        "--release",
        metavar="NAME",
        help="with --base bootstrap: the release to make it from, e.g. bookworm or trixie (default: this host's)",
    )
    build.add_argument("--mirror", metavar="URL", help="with --base bootstrap: a package mirror (default: this host's)")
    build.add_argument(
        "--ca-cert",
        type=Path,
        metavar="FILE",
        help="PEM bundle to trust during the build only "
        "(default: the file in PIP_CERT, REQUESTS_CA_BUNDLE or SSL_CERT_FILE)",
    )
    build.add_argument("--no-cache", action="store_true", help="build every step again (also the bootstrap base)")
    listing = actions.add_parser("list", help="list the images that are here, and which are stale")
    check = actions.add_parser("check", help="start each image and use every part of it")
    check.add_argument("kind", nargs="?", choices=KINDS, help="which image; both when left out")
    check.add_argument(
        "--out",
        type=Path,
        default=Path("images-check"),
        metavar="DIR",
        help="where screenshots go; earlier ones there are replaced (default: %(default)s)",
    )
    add_system(check)
    for action in (build, listing, check):
        action.add_argument("--json", action="store_true", help="print the result as JSON on stdout")


def add_system(parser: argparse._ActionsContainer) -> None:
    """The option that chooses among images of several systems."""
    parser.add_argument("--system", metavar="NAME",
                        help="use the images of this system, e.g. debian-13 (see: goaltrace images list; default: "
                        "$GOALTRACE_SYSTEM, else those built last)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Do it; 0 when all is well, 1 when a check failed."""
    return {"build": _build, "list": _list, "check": _check}[args.action](args)


def _build(args: argparse.Namespace) -> int:
    from collector.containers.engine import connect
    from collector.images.bootstrap import ensure_base
    from collector.images.build import build_image
    from collector.images.context import docker_folder, host_ca_cert, read_ca_bundle
    from manifests.errors import GoaltraceError

    if args.base != "bootstrap" and (args.release or args.mirror):
        given = "--release" if args.release else "--mirror"
        raise GoaltraceError(f"{given}: says what --base bootstrap is made from; leave it out with --base {args.base}")
    folder = docker_folder()
    ca_cert = args.ca_cert or host_ca_cert(os.environ)
    ca_bundle = read_ca_bundle(ca_cert) if ca_cert else None
    client = connect(timeout_s=600)
    base = args.base
    if base == "bootstrap":
        base = ensure_base(client, release=args.release, mirror=args.mirror, no_cache=args.no_cache)
    builds = []
    for kind in [args.kind] if args.kind else KINDS:
        build = build_image(client, kind, folder, base=base, ca_bundle=ca_bundle, no_cache=args.no_cache)
        builds.append(build)
        if not args.json:
            how = "unchanged, all from the cache" if build.cached else "built"
            print(f"{build.tags[-1]}  {build.id[7:19]}  on {base}  {how}  {build.seconds:.1f} s", flush=True)
            if build.untried:
                hint = f"never tried by us: {', '.join(build.untried)}; `goaltrace images check` tries them"
                print(f"  {hint}", flush=True)
    if args.json:
        print(json.dumps([build.as_json() for build in builds], indent=2))
    return 0


def _list(args: argparse.Namespace) -> int:
    from collector.containers.engine import connect
    from collector.images.context import docker_folder
    from collector.images.listing import list_images

    entries = list_images(connect(), docker_folder())
    if args.json:
        print(json.dumps(entries, indent=2))
    elif not entries:
        print("no images yet; run `goaltrace images build`")
    else:
        tag, base = (max(len(str(entry[key])) for entry in entries) + 2 for key in ("tag", "base"))
        print(f"{'tag':<{tag}}{'id':<14}{'base':<{base}}{'size':>9}  {'created':<20}state")
        for entry in entries:
            state = {True: "stale: build again", False: "current", None: "base"}[entry["stale"]]
            size = f"{entry['size_bytes'] / 1e6:,.0f} MB"
            print(
                f"{entry['tag']:<{tag}}{entry['id'][7:19]:<14}{entry['base']:<{base}}{size:>9}  "
                f"{entry['created'][:19]:<20}{state}"
            )
    return 0


def _check(args: argparse.Namespace) -> int:
    from collector.containers.engine import connect
    from collector.images.check import check_image
    from manifests.errors import GoaltraceError

    if args.out.exists() and not args.out.is_dir():
        raise GoaltraceError(f"--out {args.out}: is a file; name a folder")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave by the same door as Ctrl-C
    client = connect()
    report: dict[str, list[dict[str, object]]] = {}
    for kind in [args.kind] if args.kind else KINDS:
        rows = report[kind] = []
        if not args.json:
            print(f"{kind}\n  {'name':<20}{'window':<48}{'seconds':>8}  ok")
        for row in check_image(client, kind, args.out, args.system):
            rows.append(row.as_json())
            if not args.json:
                verdict = ("yes" if row.ok else "NO") + (f": {row.detail}" if row.detail else "")
                print(f"  {row.name:<20}{row.window[:46]:<48}{row.seconds:>8.2f}  {verdict}", flush=True)
                if row.versions:
                    print(f"    {row.versions}", flush=True)
    failed = [f"{kind}: {row['name']}" for kind, rows in report.items() for row in rows if not row["ok"]]
    if args.json:
        print(json.dumps(report, indent=2))
    elif "desktop" in report:
        print(f"screenshots: {args.out}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
