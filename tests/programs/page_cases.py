"""Cases of programs_test: the page at / of --http, in a browser."""

import contextlib
import datetime
import json
import os
import re
import signal
import subprocess
import threading
import time

from browser import Browser
from http_cases import HANG_SECONDS, Served, expect, kafka_cluster, partitions_of, whole

PHONE = (360, 740)
CONTRAST = 4.5  # of WCAG 2.2, AA
AWAY_SECONDS = 20  # past the end of the session; librdkafka is silent meanwhile

TABLE = """
  document.getElementById('window-table-box').open = true;
  return [...document.querySelectorAll('#window-rows tr')].map(row => [...row.cells].map(cell => cell.innerText));
"""
TEXT = "return document.getElementById(arguments[0]).innerText.replace(/\\s+/g, ' ').trim()"
TIP = "return [...document.querySelectorAll('#window-chart .tip p')].map(line => line.innerText)"
BARS = """
  return [...document.querySelectorAll('#window-chart .users rect')].map(
    bar => [Number(bar.getAttribute('height')), bar.classList.contains('open')]);
"""
# Everything a keyboard must get to: of a group of radio buttons the one that is chosen.
FOCUSABLE = """
  const all = [...document.querySelectorAll('a[href], summary, input, button, [tabindex="0"]')];
  window.reachable = all.filter(each => each.checkVisibility() && (each.type !== 'radio' || each.checked));
  document.activeElement.blur();
  return reachable.length;
"""
FOCUSED = """
  const shown = document.activeElement.matches('input') ? document.activeElement.nextSibling : document.activeElement;
  return [reachable.indexOf(document.activeElement), getComputedStyle(shown).outlineStyle];
"""
# The worst contrast of a text that is shown to what lies behind it, and that text.
WORST_CONTRAST = """
  const channel = each => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4;
  const light = color => { const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(channel);
                           return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = element => { for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if (!/, 0\\)$/.test(color)) return color; } return 'rgb(255, 255, 255)'; };
  const texts = [...document.querySelectorAll('body *')].filter(each => each.checkVisibility() &&
    [...each.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()));
  return texts.map(each => {
    const style = getComputedStyle(each), front = light(each instanceof SVGElement ? style.fill : style.color);
    const back = light(behind(each));
    return [(Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05), each.textContent.slice(0, 40)];
  }).reduce((worst, each) => each[0] < worst[0] ? each : worst);
"""
# Whether the browser may ask anybody but the program.
ASK_ANOTHER = """
  return new Promise(done => {
    document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
    fetch('http://127.0.0.1:9/').catch(() => setTimeout(() => done('allowed'), 1000));
  });
"""


def start_of(words):
    """Unix seconds of the begin of "11 Jul 2016 13:43–13:44"."""
    begin = re.match(r"\d+ \w+ \d+ \d+:\d+", words)[0]
    return int(datetime.datetime.strptime(begin + " +0000", "%d %b %Y %H:%M %z").timestamp())


def number(words):
    return int(re.match(r"[\d,]+", words)[0].replace(",", ""))


def rows_of(browser):
    """start -> (users, frames, whether final), as the table of windows says."""
    return {start_of(span): (number(users), number(frames), not state.startswith("still open"))
            for span, users, frames, _, state in browser.run(TABLE)}


def topic_of(text, duration_s):
    """The same as the topic says: its last word on each window."""
    results = map(json.loads, text.splitlines())
    return {each["ts"]: (each["unique_users"], each["frames"], each["final"]) for each in results
            if each["duration_s"] == duration_s}


def counts_of(rows):
    return {start: (users, frames) for start, (users, frames, _) in rows.items()}


@contextlib.contextmanager
def page_of(served, wait_for):
    """A browser that looks at the page of a program."""
    wait_for("the address", served.find)
    browser = Browser()
    try:
        browser.resize(1280, 900)
        browser.open(f"http://127.0.0.1:{served.port}/")
        yield browser
    finally:
        browser.close()


def whole_rows(browser, served, run, expected, duration_s):
    """The table's rows, once they have the expected counts and those are final that the watermark has passed."""
    if counts_of(rows_of(browser)) != expected:
        return None  # nor need there be watermarks
    watermark = min(partition["watermark_ms"] for partition in partitions_of(served.state(), run.frames))
    rows = {start: (*counts, (start + duration_s) * 1000 <= watermark) for start, counts in expected.items()}
    return rows if rows_of(browser) == rows else None


def check_chart(browser, rows):
    """The chart says the same as the table, in lengths and, bar by bar, to who goes through it by keyboard."""
    browser.run("document.querySelector('#window-chart .chart-box').focus()")
    found = {}
    browser.press("Home")
    for _ in rows:
        span, users, frames, state = browser.run(TIP)
        found[start_of(span)] = (number(users), number(frames), not state.startswith("still open"))
        browser.press("ArrowRight")
    expect(found == rows, f"the chart says\n{found}\nthe table\n{rows}")
    bars = browser.run(BARS)
    expect(len(bars) == len(rows), f"{len(bars)} bars for {len(rows)} windows")
    unit = max(height for height, _ in bars) / max(users for users, _, _ in rows.values())
    for (height, is_open), (start, (users, _, final)) in zip(bars, sorted(rows.items())):
        expect(abs(height - users * unit) < 0.01, f"window {start}: {users} users are {height} of {unit} each")
        expect(is_open != final, f"window {start} is drawn as open: {is_open}")


def check_quiet(browser, served):
    """Nothing was asked of anybody else, and nothing went wrong."""
    asked = browser.run("return performance.getEntriesByType('resource').map(each => each.name)")
    expect(len(asked) > 5, str(asked))
    strange = [url for url in asked if not url.startswith(f"http://127.0.0.1:{served.port}/")]
    expect(not strange, f"asked of others: {strange}")
    said = browser.said()
    expect(not said, f"the console says {said}")
    expect(browser.run(ASK_ANOTHER) == "connect-src", "the page may ask others")


def agreement_case(programs, run, wait_for):
    """Chart, table and topic say the same of each window; refused records are there; nobody else is asked."""
    path, _, naive = programs.data("hour")
    results, counts = naive[4]
    run.create(4)
    run.load(path)
    expected = {duration: {ts: (users, frames) for ts, each, users, frames in results if each == duration}
                for duration in [60, 600]}
    rows = {}
    # No partition becomes idle: the last windows stay open, and the topic says so.
    served = Served(programs, run.options([60, 600], "--idle-after", "1h", "--update-every", "100ms"))
    try:
        with page_of(served, wait_for) as browser:
            for duration in [60, 600]:
                rows[duration] = wait_for(f"all windows of {duration} s",
                                          lambda d=duration: whole_rows(browser, served, run, expected[d], d))
                final = sum(final for *_, final in rows[duration].values())
                expect(0 < final < len(rows[duration]), f"{final} of {len(rows[duration])} windows are final")
                check_chart(browser, rows[duration])
                browser.run("document.querySelector('#kinds input').focus()")
                browser.press("ArrowRight")  # to the next kind of window
            check_state(browser, served, run, counts)
            check_quiet(browser, served)
        served.stop()
    finally:
        served.close()
    text = run.cat(run.users)
    for duration, found in rows.items():
        expect(found == topic_of(text, duration), f"the page says\n{found}\nthe topic\n{topic_of(text, duration)}")


def check_state(browser, served, run, counts):
    """What is not a window: the condition, partitions, refused records, the topology."""
    expect(browser.run(TEXT, "condition") == "Running caught up", browser.run(TEXT, "condition"))
    shown = browser.run("return [...document.querySelectorAll('#partition-rows tr')].map(row => row.innerText)")
    expect(sum(row.startswith(run.frames) for row in shown) == 4, str(shown))
    expect(f"{whole(counts) - counts.dead_lettered - counts.late:,} accepted" in browser.run(TEXT, "figures"),
           browser.run(TEXT, "figures"))
    refused = browser.run("return [...document.querySelectorAll('#refused-rows td.bytes')].map(cell => cell.title)")
    expected = [record["value"] for record in served.state()["last_refused"]]
    expect(refused and refused == expected[:len(refused)], f"{refused}\n{expected}")
    topology = browser.run("return document.querySelector('#topology svg').getAttribute('aria-label')")
    expect(f"{run.frames} leads to source" in topology and f"leads to {run.users}" in topology, topology)


@contextlib.contextmanager
def trickle(run, path):
    """Frames come for some seconds; what comes while the broker is away goes on when it is back."""
    command = run.programs.command("millrace", "load", "--broker", run.broker, "--topic", run.frames, "--partitioner",
                                   "round-robin", "-")
    with open(path, "rb") as file:
        lines = file.readlines()
    loader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def feed():
        with contextlib.suppress(BrokenPipeError), loader.stdin as pipe:
            for first in range(0, len(lines), 100):
                pipe.write(b"".join(lines[first:first + 100]))
                pipe.flush()
                time.sleep(0.05)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
        code = loader.wait(timeout=HANG_SECONDS)
        expect(code == 0, f"the loader ended with {code}")
    finally:
        loader.kill()
        feeder.join()


def broker_gone_case(programs, run_on, wait_for):
    """In the midst of its work the page says that the broker is gone and that it is back, and goes on."""
    directory = os.path.join(programs.scratch, programs.unique("kafka"))
    path, _, naive = programs.data("late")
    expected = {ts: (users, frames) for ts, _, users, frames in naive[4][0]}
    try:
        found = re.search(r"^BOOTSTRAP=(.+)$", kafka_cluster("start", directory), re.MULTILINE)
        run = run_on(programs, lambda _programs: found[1])
        run.create(4)
        served = Served(programs, run.options([60], "--idle-after", "1s"))
        try:
            with page_of(served, wait_for) as browser:
                def says(word):
                    return lambda: browser.run(TEXT, "condition-word") == word
                wait_for("running", says("Running"))
                expect(not browser.run(TEXT, "troubles"), browser.run(TEXT, "troubles"))
                with trickle(run, path):
                    wait_for("a window", lambda: rows_of(browser))
                    kafka_cluster("stop", directory)
                    wait_for("a broker that is gone", says("Broker gone"))
                    expect(served.ask("/ready")[0] == 503, "the page says it is gone, and /ready is not 503")
                    wait_for("the trouble", lambda: "The broker is gone" in browser.run(TEXT, "troubles"))
                    expect("▲ Broker gone" in browser.run("return document.title"),
                           browser.run("return document.title"))
                    time.sleep(AWAY_SECONDS)
                    expect(says("Broker gone")(), "it is gone, and the page says: " + browser.run(TEXT, "condition"))
                    kafka_cluster("start", directory)
                    wait_for("running again", says("Running"))
                    wait_for("no trouble", lambda: not browser.run(TEXT, "troubles"))
                wait_for("the windows", lambda: counts_of(rows_of(browser)) == expected)
                wait_for("their being final", lambda: all(final for *_, final in rows_of(browser).values()))
                expect(rows_of(browser) == topic_of(run.cat(run.users), 60), "the topic says something else")
                served.process.send_signal(signal.SIGSTOP)  # a process that hangs
                wait_for("no answer", says("No answer"))
                served.process.send_signal(signal.SIGCONT)
                wait_for("an answer", says("Running"))
            served.stop()
        finally:
            served.close()
    finally:
        kafka_cluster("clean", directory)


def check_keyboard(browser):
    """Tab gets to everything, and one sees where it is."""
    count = browser.run(FOCUSABLE)
    expect(count > 10, f"only {count} places to get to")
    reached = set()
    for _ in range(count + 3):
        browser.press("Tab")
        index, outline = browser.run(FOCUSED)
        if index >= 0:
            reached.add(index)
            expect(outline != "none", f"nothing shows that place {index} has the focus")
    missing = browser.run("return reachable.filter((_, i) => !arguments[0].includes(i)).map(each => each.outerHTML)",
                          sorted(reached))
    expect(not missing, f"not reached by keyboard: {missing}")


def everybody_case(programs, run, wait_for):
    """On a phone, by keyboard, in light and dark, and for who wants nothing to move."""
    path, _, _ = programs.data("hour")
    run.create(2)
    run.load(path)
    served = Served(programs, run.options([60, 600], "--idle-after", "1h", "--update-every", "100ms"))
    try:
        with page_of(served, wait_for) as browser:
            browser.resize(*PHONE)
            wait_for("an open window", lambda: "still open" in browser.run(TEXT, "window-chart"))
            for dark in [False, True]:
                browser.prefer(color_scheme="dark" if dark else "light", reduced_motion="reduce")
                wide, paper = browser.run("return [document.documentElement.scrollWidth,"
                                          " getComputedStyle(document.body).backgroundColor]")
                expect(wide <= PHONE[0], f"the page is {wide} wide on a screen of {PHONE[0]}")
                expect((sum(map(int, re.findall(r"\d+", paper))) < 300) == dark, f"the paper is {paper}")
                contrast, text = browser.run(WORST_CONTRAST)
                expect(contrast >= CONTRAST, f"'{text}' has a contrast of {contrast:.2f}, dark: {dark}")
            moving = browser.run("return document.getAnimations().length")
            expect(moving == 0, f"{moving} things move")
            check_keyboard(browser)
        served.stop()
    finally:
        served.close()


def finished_case(programs, run, wait_for):
    """A program that waits for more shows what a run before it has finished, as ./dev demo does."""
    path, windows, naive = programs.data("hour")
    run.create(4)
    run.load(path)
    run.count(windows)
    expected = topic_of(run.cat(run.users), 60)
    expect(counts_of(expected) == {ts: (users, frames) for ts, each, users, frames in naive[4][0] if each == 60},
           "the topic is wrong")
    served = Served(programs, run.options(windows))
    try:
        with page_of(served, wait_for) as browser:
            wait_for("all windows", lambda: rows_of(browser) == expected)
            wait_for("running", lambda: browser.run(TEXT, "condition") == "Running caught up")
            refused = f"None since the start; {naive[4][1].dead_lettered} in the application’s life."
            expect(browser.run(TEXT, "refused-note") == refused, browser.run(TEXT, "refused-note"))
            expect("still open" not in browser.run(TEXT, "window-chart"), "a window of a finished run is open")
        served.stop()
    finally:
        served.close()


def no_results_case(programs, wait_for):
    """With files there is no topic of results, and the page says so."""
    output = os.path.join(programs.scratch, programs.unique("results"))
    served = Served(programs, ["unique_users", "--from", "-", "--output", output], stdin=subprocess.PIPE)
    try:
        with page_of(served, wait_for) as browser:
            wait_for("the word", lambda: "Results go to a file" in browser.run(TEXT, "window-note"))
            expect(json.loads(served.get("/results")) == {"topic": None}, served.get("/results"))
            served.process.stdin.close()
            expect(served.process.wait(timeout=HANG_SECONDS) == 0, served.said())
            wait_for("the end", lambda: browser.run(TEXT, "condition-word") in ["Ended", "No answer"])
    finally:
        served.close()


def cases(case, run_on, embedded, wait_for):
    """`case(name, function)`; `run_on(programs, broker)`: topics of an application there."""
    yield case("Page.AgreesWithTheTopicWindowByWindow", lambda programs: agreement_case(
        programs, run_on(programs, embedded), wait_for))
    yield case("Page.IsForPhoneKeyboardAndDarkRooms", lambda programs: everybody_case(
        programs, run_on(programs, embedded), wait_for))
    yield case("Page.ShowsAFinishedRun", lambda programs: finished_case(
        programs, run_on(programs, embedded), wait_for))
    yield case("Page.SaysThatResultsGoToAFile", lambda programs: no_results_case(programs, wait_for))
    yield case("Page.OwnKafka_SaysThatTheBrokerIsGoneAndBack", lambda programs: broker_gone_case(
        programs, run_on, wait_for))
