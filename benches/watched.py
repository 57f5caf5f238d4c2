"""Does watching a run change what it measures? Pairs of runs on a pseudo-terminal, one with --live, one with --quiet, in turn (ABBA).

    cargo build --release
    python3 benches/watched.py target/release/pollcost quickstart PAIRS FILE [OPTIONS OF pollcost run]
    python3 benches/watched.py FILE ...

The first form measures, appends to FILE and prints; the second prints what was measured before. Linux, Python 3.9 or later, nothing else.
"""

import csv
import json
import math
import os
import pty
import random
import select
import statistics
import sys
import tempfile
import time

# Columns of summary.csv that are compared.
QUANTITIES = ["notice_p50_us", "notice_p99_us", "cpu_client_percent", "cpu_ioc_percent"]
RESAMPLES = 4000


def run(program, scenario, options, how):
    with tempfile.TemporaryDirectory(prefix="watched-") as folder:
        out = os.path.join(folder, "run")
        command = [program, "run", scenario, "-o", out, "--no-report", *options, f"--{how}"]
        start = time.monotonic()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(program, command)
        used = {"harness_s": 0.0, "drawing_s": 0.0, "bytes": 0}
        while read(terminal, used):
            look_at(pid, used)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        if code != 0:
            sys.exit(f"{' '.join(command)}: exit code {code}")
        used["seconds"] = time.monotonic() - start
        with open(os.path.join(out, "summary.csv"), newline="") as table:
            rows = {row["client"]: {q: row[q] for q in QUANTITIES} for row in csv.DictReader(table)}
    return {"how": how, "used": used, "clients": rows}


def read(terminal, used):
    """Takes what was drawn; false when no process has the terminal any more."""
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            drawn = os.read(terminal, 1 << 16)
        except OSError:
            return False
        used["bytes"] += len(drawn)
        return bool(drawn)
    return True


def look_at(pid, used):
    """Processor time of the harness, and of its thread that draws, as of now."""
    try:
        used["harness_s"] = time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm") as comm:
                if comm.read().strip() != "dashboard":
                    continue
            with open(f"/proc/{pid}/task/{task}/schedstat") as schedstat:
                used["drawing_s"] = int(schedstat.read().split()[0]) / 1e9
    except OSError:
        pass  # It has just ended.


def pairs_of(lines):
    pairs = {}
    for line in lines:
        pairs.setdefault((line["file"], line["pair"]), {})[line["how"]] = line
    return [pair for pair in pairs.values() if len(pair) == 2]


def median_and_interval(values):
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return statistics.median(values), medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]


def tell(lines):
    pairs = pairs_of(lines)
    print(f"{len(pairs)} pairs")
    for client in pairs[0]["live"]["clients"]:
        for quantity in QUANTITIES:
            both = [[pair[how]["clients"][client][quantity] for how in ("live", "quiet")] for pair in pairs]
            both = [[float(value) for value in pair] for pair in both if all(pair)]
            if not both or any(value <= 0 for pair in both for value in pair):
                continue
            quiet, *_ = median_and_interval([pair[1] for pair in both])
            ratio, low, high = (math.exp(v) for v in median_and_interval([math.log(a / b) for a, b in both]))
            print(f"{client:12} {quantity:20} quiet {quiet:10.2f}   live/quiet {ratio:.3f} [{low:.3f}, {high:.3f}]   n {len(both)}")
    for name, value in [
        ("harness, ms more each second of a run", lambda a, b: (a["harness_s"] / a["seconds"] - b["harness_s"] / b["seconds"]) * 1e3),
        ("drawing, ms each second of a run", lambda a, b: a["drawing_s"] / a["seconds"] * 1e3),
        ("bytes drawn each second of a run", lambda a, b: a["bytes"] / a["seconds"]),
    ]:
        middle, low, high = median_and_interval([value(pair["live"]["used"], pair["quiet"]["used"]) for pair in pairs])
        print(f"{name:40} {middle:.3f} [{low:.3f}, {high:.3f}]")


def loaded(files):
    for name in files:
        with open(name) as file:
            yield from ({"file": name, **json.loads(line)} for line in file)


def main(arguments):
    if len(arguments) < 4 or not arguments[2].isdigit():
        return tell(list(loaded(arguments)))
    program, scenario, pairs, out, *options = arguments
    # Pairs of an earlier sitting keep their numbers.
    first = 1 + max((line["pair"] for line in loaded([out])), default=-1) if os.path.exists(out) else 0
    with open(out, "a") as file:
        for pair in range(first, first + int(pairs)):
            for how in ("live", "quiet") if pair % 2 == 0 else ("quiet", "live"):
                line = {"pair": pair, **run(os.path.abspath(program), scenario, options, how)}
                file.write(json.dumps(line) + "\n")
                file.flush()
    tell(list(loaded([out])))


if __name__ == "__main__":
    main(sys.argv[1:])
