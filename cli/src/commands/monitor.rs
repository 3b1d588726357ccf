//! `valence monitor`: gathers the figures again and again, and serves them.

use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::health::{Gatherer, Scope};
use crate::monitor::{Shared, serve};
use crate::output::Output;
use crate::signals::{rest, stop_on_signals};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tiny_http::Server;

/// Arguments of `monitor`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Address to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    listen: SocketAddr,
    /// Time between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    #[command(flatten)]
    scope: Scope,
}

/// Runs the command, until a signal. The first line on standard output is the address.
pub fn run(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let stop = stop_on_signals()?;
    let server = Server::http(arguments.listen).map_err(|error| {
        Failure::new(format!("cannot listen at {}: {error}", arguments.listen)).cure("name another address by --listen")
    })?;
    let server = Arc::new(server);
    let shared = Arc::new(Mutex::new(Shared::new(&cluster.settings.url, arguments.every)));
    println!("http://{}", server.server_addr());
    let serving = {
        let (server, shared) = (Arc::clone(&server), Arc::clone(&shared));
        std::thread::spawn(move || serve(&server, &shared))
    };
    let mut gatherer = Gatherer::new(&programs, &arguments.scope);
    while !stop.load(Ordering::Relaxed) {
        let gathered = gatherer.gather(cluster);
        if let Err(failure) = &gathered {
            eprintln!("error: {}", failure.line());
        }
        if let Ok(mut shared) = shared.lock() {
            shared.add(gathered);
        }
        rest(Duration::from_secs(arguments.every), &stop);
    }
    server.unblock();
    serving.join().map_err(|_| Failure::new("the monitor's server has panicked"))?;
    Ok(Output::Text("stopped".to_owned()))
}
