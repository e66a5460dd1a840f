//! The page `docs/benchmarks.md`: the figures, the two tables behind them, how they were measured
//! and what they do not say.

use crate::{
    figures::number,
    measure::Measured,
    meter::Meter,
    table::{Report, STEP},
};
use std::fmt::Write;

/// What keeps a figure from its target, as a profile shows it.
const REASONS: &[(&str, &str)] = &[
    (
        "a1",
        "each service is a host of its own. One more costs a TLS handshake (a key exchange and three signatures of RSA, \
         about 1 million instructions where valgrind counts) and an SDK client, which reads a table of all regions when it is built \
         (half a million). The slowest worker speaks to four services and makes ten calls.",
    ),
    (
        "b1",
        "the SDK needs half a million instructions for a call. A quarter of them is SHA-256 for its signature where valgrind counts, \
         a sixth is memory management, and the rest is spread thinly over its layers; our own share is small.",
    ),
    (
        "b2",
        "the other side's later events are cheap because its start was not; see the ratio of cold starts.",
    ),
    (
        "c1",
        "an act is noted before it is sent and once more when it is answered, so that after a crash nothing has to be searched \
         that can be known (8 calls more than the least). Each lap writes its decision down and takes a place in the line of each \
         API (10 more), and looks at the flow (6 more). No event tells when an input is gone, so it is asked after (4 more).",
    ),
    (
        "c2",
        "a life with a stop of its own has three edits, so three executions instead of two, and its feed is switched off at the stop.",
    ),
];

impl Report {
    /// The document.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let machine = &self.machine;
        let figures = self.figures();
        let count = |verdict: &str| {
            figures
                .iter()
                .filter(|figure| figure.verdict == verdict)
                .count()
        };
        writeln!(text, "# Benchmarks\n")?;
        writeln!(
            text,
            "Measured by `make bench` on {} with {} cores of {} ({}), {} GiB of memory, {}, {}. \
             This page is written by it; do not edit it.\n",
            machine.date,
            machine.cores,
            machine.processor,
            machine.family,
            machine.memory_gib,
            machine.kernel,
            machine.compiler
        )?;
        writeln!(
            text,
            "{} figures reach their target, {} miss it, {} are only told.\n",
            count("pass"),
            count("miss"),
            count("told")
        )?;
        writeln!(
            text,
            "| | figure | value | unit | target | |\n|---|---|--:|---|---|---|"
        )?;
        for figure in &figures {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                figure.id,
                figure.name,
                number(figure.value),
                figure.unit,
                figure.target,
                if figure.verdict == "miss" {
                    "**miss**"
                } else {
                    &figure.verdict
                }
            )?;
        }
        for (id, why) in REASONS {
            if figures
                .iter()
                .any(|figure| figure.id == *id && figure.verdict == "miss")
            {
                writeln!(text, "\nWhy {id} misses: {why}")?;
            }
        }
        self.cold_table(text)?;
        self.warm_table(text)?;
        self.method(text)
    }

    fn cold_table(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## (a) Cold start\n")?;
        writeln!(
            text,
            "From the start of the process to its first answer, with everything in between: the loader, \
             the trust store, a look at the table while nobody waits, then the event of `events/`.\n"
        )?;
        writeln!(
            text,
            "| who | million instructions | times ours | calls | connections | ms to ready | ms to answer | memory, MiB | program, MB | zip, MB |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        )?;
        let ours = self.step().and_then(|step| step.cold);
        let peers = self.peers.iter().map(|(_, peer)| (peer, true));
        for (row, is_peer) in self
            .workers
            .iter()
            .map(|worker| (worker, false))
            .chain(peers)
        {
            let times = ours
                .zip(row.cold)
                .filter(|_| is_peer)
                .map(|(ours, cold)| cold / ours);
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                name(row, is_peer),
                maybe(row.cold),
                maybe(times),
                row.cold_calls.len(),
                row.connections,
                number(row.init_ms),
                number(row.first_ms),
                number(row.rss_mib),
                some(row.size_mb),
                some(row.zip_mb)
            )?;
        }
        for absent in &self.absent {
            writeln!(text, "\nNot measured here: {absent}")?;
        }
        Ok(())
    }

    fn warm_table(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## (b) Warm step\n")?;
        writeln!(
            text,
            "Each further event in a process that is up, its connections open. The target of 1.0 million \
             instructions is for a step of two calls and a log line.\n"
        )?;
        writeln!(
            text,
            "| who | calls | million instructions | for two calls | times ours | ms on the processor | ms, middle | ms, slowest of 100 | the calls |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|---|"
        )?;
        let ours = self.step().and_then(|step| step.warm);
        let peers = self.peers.iter().map(|(_, peer)| (peer, true));
        for (row, is_peer) in self
            .workers
            .iter()
            .map(|worker| (worker, false))
            .chain(peers)
        {
            let times = ours
                .zip(row.warm)
                .filter(|_| is_peer)
                .map(|(ours, warm)| warm / ours);
            let calls = row.warm_calls.len();
            let two = row
                .warm
                .filter(|_| calls > 0)
                .map(|warm| warm * 2.0 / calls as f64);
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                name(row, is_peer),
                calls,
                maybe(row.warm),
                maybe(two),
                maybe(times),
                number(row.cpu_ms),
                number(row.warm_ms),
                number(row.slow_ms),
                if is_peer {
                    "the same".to_owned()
                } else {
                    row.warm_calls.join(", ")
                }
            )?;
        }
        Ok(())
    }

    fn method(&self, text: &mut String) -> std::fmt::Result {
        let meter = self.meter.map_or(
            "nothing: neither perf nor valgrind works here, so instructions are missing",
            Meter::words,
        );
        let (ours, theirs) = self.starts;
        let counted = self.counted;
        writeln!(
            text,
            "\n## How it was measured\n\n\
             - A Runtime API on loopback starts the process and hands it events, each answer in one write, without Nagle's delay. \
             It takes the time of the first request for an event (ready) and of the first answer.\n\
             - Instructions in user mode were counted with {meter}: one run with one event is the cold start, and a run with {counted} events more, \
             less the first and divided by {counted}, is the warm step. Everything in the process counts, its background threads too.\n\
             - AWS is a server on loopback with canned answers of real shape over TLS, one port and so one connection per service, as on AWS. \
             Its chain is RSA of 2,048 bits with an authority in between, as AWS's are.\n\
             - The workers are built as deployed (`cargo build --release`). Their trust store is a file with the five roots of Amazon and \
             the benchmark's own: one root more than on AWS, and a file to read. The peers have their own trust stores with the benchmark's root added, as they would have on Lambda.\n\
             - The peers do the step of `{STEP}`: the same {} calls in the same order, the same body of CreateChannel (compared field by field; only \
             `includeFillerNalUnits` is left out of it, which the Go SDK does not know), the same log line, one look at the table at start. A peer that does anything else stops the benchmark.\n\
             - Every worker does the longest of its ordinary ways: `plan` just after an address was edited, `sweep` with five destinations of which one is due for another look.\n\
             - Times are medians of {ours} processes for a worker and {theirs} for a peer, and of 300 events. Memory is the most that was resident after 301 events. A zip is what gzip makes of the program.",
            self.step().map_or(0, |step| step.cold_calls.len())
        )?;
        writeln!(
            text,
            "\n## What it does not say\n\n\
             - That the service is so many times faster. The endpoint answers at once; on AWS a call to DynamoDB takes some 5 ms whatever the client, \
             and the media take half a minute. The ratios are about processor time, cold starts and memory.\n\
             - Milliseconds on this machine are noisy, and other work may have been going on; judge by instructions. \
             Lambda with 128 MB gives a fourteenth of a core, which makes the differences larger there.\n\
             - Valgrind, where it has to count, pretends to be a processor without the instructions for SHA-256 and for long multiplication that servers have. \
             Signing a call and shaking hands for TLS then cost several times as much, and they are most of what a worker of ours does: a hardware counter would tell less, for us more so than for the others. \
             It also lets one thread run at a time.\n\
             - Node and Python run on a bare loop or AWS's own runtime client here. Lambda's managed runtimes do more at a start, so this is kind to them. \
             A later event of Node includes the compiling of hot code, which fades after some hundred events.\n\
             - Go is the version that Debian packages, with an SDK of 2022; newer ones may differ.\n\
             - Only x86_64 was measured; a program for arm64 cannot be built here.\n\
             - A cold start on Lambda begins before the process does: fetching the package and starting the sandbox are AWS's."
        )
    }
}

fn name(row: &Measured, is_peer: bool) -> String {
    if is_peer {
        row.name.clone()
    } else {
        format!("`{}`", row.name)
    }
}

fn maybe(value: Option<f64>) -> String {
    value.map_or_else(String::new, number)
}

fn some(value: f64) -> String {
    maybe((value > 0.0).then_some(value))
}
