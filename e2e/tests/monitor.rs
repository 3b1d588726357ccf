//! `valence monitor` as its users meet it: Prometheus scrapes it and an alert fires, and a browser shows the status page.

use anyhow::{Context, Result, ensure};
use e2e::{Stage, hex, root};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_dead_letter_raises_an_alert_and_stands_on_the_status_page() -> Result<()> {
    let stage = Stage::new(&["authority", "owner", "producer"])?;
    define(&stage)?;
    let mut monitor = stage.command(&stage.url, "owner", &["monitor", "--listen", "127.0.0.1:0", "--every", "1"]);
    let mut monitor = Running(monitor.stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(monitor.0.stdout.take().context("no output")?).read_line(&mut line)?;
    let url = line.trim().to_owned();
    wait("the monitor is healthy", || Ok(get(&url, "/healthz").is_ok_and(|body| body == "ok\n")))?;
    check_metrics(&get(&url, "/metrics")?)?;
    let (server, prometheus) = prometheus(&stage, &url)?;
    wait("the monitor is scraped", || Ok(query(&prometheus, "valence_queue_entries").contains("0/0")))?;
    ensure!(!firing(&prometheus)?.contains(&"ValenceDeadLetters".to_owned()), "there is no dead letter yet");
    kill(&stage)?;
    wait("the alert fires", || Ok(firing(&prometheus)?.contains(&"ValenceDeadLetters".to_owned())))?;
    drop(server);
    page(&stage, &url)
}

/// An open queue with entries; none of them is run.
fn define(stage: &Stage) -> Result<()> {
    stage.json("authority", &["deploy"])?;
    stage.json("authority", &["shard", "create", "--owner", &stage.address("owner")])?;
    let queue = json!({
        "slots": 20, "max_deadline_seconds": 900, "producers": [{ "key": stage.address("producer"), "quota": 12 }],
    });
    stage.json("owner", &["queue", "create", "--shard", "0", &stage.file("queue.json", &queue.to_string())?])?;
    let target = stage.deploy_program("authority", &root().join("target/deploy/noop_program.so"))?;
    let capability = json!({ "target_program": target, "compute_limit": 20_000, "arguments_bytes_min": 8, "arguments_bytes_max": 8 });
    let file = stage.file("capability.json", &capability.to_string())?;
    stage.json("owner", &["capability", "create", "--shard", "0", &file])?;
    enqueue(stage, 0)
}

fn enqueue(stage: &Stage, number: u64) -> Result<()> {
    let data = hex(&number.to_le_bytes());
    stage.json("producer", &["enqueue", "0/0", "--capability", "0", "--arguments", &data]).map(|_| ())
}

/// More entries, so that the depth changes over time, and one of them dies.
fn kill(stage: &Stage) -> Result<()> {
    for number in 1..6 {
        enqueue(stage, number)?;
    }
    let ready = stage.json("owner", &["queue", "ls", "0/0", "--list", "ready"])?;
    let handle = ready[0]["handle"].as_str().context("no entry")?;
    stage.json("owner", &["dlq", "add", "0/0", handle])?;
    stage.json("owner", &["hold", "0/0", ready[1]["handle"].as_str().context("no entry")?])?;
    Ok(())
}

/// `promtool check metrics` takes the text from its input; whatever it prints is a complaint.
fn check_metrics(text: &str) -> Result<()> {
    let mut promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    promtool.stdin.take().context("no input")?.write_all(text.as_bytes())?;
    let output = promtool.wait_with_output()?;
    ensure!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A Prometheus with the shipped rules, looking every second.
fn prometheus(stage: &Stage, monitor: &str) -> Result<(Running, String)> {
    let rules = root().join("monitoring/alerts.yml").canonicalize()?;
    let checked = Command::new("promtool").args(["check", "rules"]).arg(&rules).output()?;
    ensure!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let target = monitor.strip_prefix("http://").context("not http")?;
    let config = format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: ['{}']\nscrape_configs:\n  \
         - job_name: valence\n    static_configs:\n      - targets: ['{target}']\n",
        rules.display()
    );
    let file = stage.file("prometheus.yml", &config)?;
    // A port that was free a moment ago: Prometheus takes no 0 that it would tell.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let server = Command::new("prometheus")
        .arg(format!("--config.file={file}"))
        .arg(format!("--storage.tsdb.path={}", stage.folder.join("tsdb").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("prometheus")?;
    Ok((Running(server), format!("http://{address}")))
}

/// What Prometheus answers; nothing while it is not there yet.
fn query(prometheus: &str, expression: &str) -> String {
    get(prometheus, &format!("/api/v1/query?query={expression}")).unwrap_or_default()
}

/// Names of the alerts that fire.
fn firing(prometheus: &str) -> Result<Vec<String>> {
    let answer: Value = serde_json::from_str(&get(prometheus, "/api/v1/alerts")?)?;
    let alerts = answer["data"]["alerts"].as_array().context("no alerts")?.iter();
    let firing = alerts.filter(|alert| alert["state"] == "firing");
    Ok(firing.filter_map(|alert| alert["labels"]["alertname"].as_str().map(str::to_owned)).collect())
}

/// In a real browser: the reason of the dead letter, and the queue's depth over time.
fn page(stage: &Stage, url: &str) -> Result<()> {
    let picture = stage.folder.join("status.png");
    let dom = chromium(stage, url, &["--dump-dom"])?;
    let dead = dom.split("id=\"dead\"").nth(1).and_then(|rest| rest.split("</table>").next()).context("no table")?;
    ensure!(dead.contains("<td>0/0</td>") && dead.contains("<td>by an operator</td>"), "{dead}");
    let plot =
        dom.split("queue 0/0: entries").nth(1).and_then(|rest| rest.split("</figure>").next()).context("no plot")?;
    let ready = plot.split("</svg>").nth(1).context("no legend")?;
    ensure!(ready.contains("ready 4") && ready.contains("dead 1") && ready.contains("held 1"), "{ready}");
    let lines = plot.split("class=\"line line").skip(1).filter_map(|line| line.split("d=\"").nth(1)?.split('"').next());
    let lines: Vec<_> = lines.collect();
    // One line for each list, with a point for each look; that of the ready entries went up.
    ensure!(lines.len() == 5 && lines.iter().all(|line| line.matches('L').count() >= 3), "{lines:?}");
    let heights: Vec<_> = lines[4].split(['M', 'L']).filter_map(|point| point.split(' ').nth(1)).collect();
    ensure!(heights.first() != heights.last(), "the depth has not changed: {heights:?}");
    chromium(stage, url, &[&format!("--screenshot={}", picture.display()), "--window-size=1100,680"])?;
    ensure!(std::fs::metadata(&picture)?.len() > 10_000, "the screenshot is empty");
    if let Some(place) = std::env::var_os("VALENCE_SCREENSHOT") {
        std::fs::copy(&picture, Path::new(&place))?;
    }
    Ok(())
}

fn chromium(stage: &Stage, url: &str, options: &[&str]) -> Result<String> {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]);
    command.arg(format!("--user-data-dir={}", stage.folder.join("browser").display())).args(options).arg(url);
    let output = command.env("HOME", &stage.folder).stderr(Stdio::null()).output().context("chromium")?;
    ensure!(output.status.success(), "chromium: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

fn wait(what: &str, mut happened: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while !happened()? {
        ensure!(Instant::now() < until, "not within {} seconds: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn get(url: &str, path: &str) -> Result<String> {
    let host = url.strip_prefix("http://").context("not http")?;
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.lines().next().is_some_and(|line| line.contains(" 200 ")), "{path}: {head}");
    Ok(body.to_owned())
}
