//! Small server for the dashboard: the page, its JSON, and events when a new page exists.

mod access;
mod events;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use anyhow::Context as _;
use cli_support::{CommandVerdict, Failure};
use pr_gate::{Error, dashboard};
use registry_core::with_causes;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::checked::{Checked, Recipe};
use super::store;
use crate::working_tree::Bar;
use crate::{out, working_tree};
pub use access::Hosts;

/// The history gets an entry once an hour while serving.
const HISTORY_SECONDS: i64 = 3600;
/// How many readers may wait for news at once.
const MOST_LISTENERS: usize = 64;

/// What is served at the moment.
#[derive(Debug)]
struct Shown {
    version: u64,
    page: Bytes,
    report: Bytes,
}

/// What the handlers share.
struct PageState {
    shown: watch::Receiver<Arc<Shown>>,
    listeners: Arc<AtomicUsize>,
}

/// Serves until Ctrl-C or SIGTERM. The first check is done before anybody is listened to: what keeps it from working is
/// told at once.
pub fn run(
    recipe: Recipe,
    address: SocketAddr,
    hosts: Hosts,
    refresh: u32,
) -> Result<CommandVerdict, Failure> {
    let checked = recipe.check(&Bar::new(), HISTORY_SECONDS).map_err(working_tree::failure)?;
    let shown = shown(&recipe, &checked, 1, None).map_err(working_tree::failure)?;
    rt::System::new()
        .block_on(serve(recipe, checked, shown, address, hosts, refresh))
        .map_err(Failure::trouble)?;
    Ok(CommandVerdict::Fine)
}

async fn serve(
    recipe: Recipe,
    checked: Checked,
    first: Shown,
    address: SocketAddr,
    hosts: Hosts,
    refresh: u32,
) -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate()).context("SIGTERM can't be watched")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C can't be watched")?;
    let (sender, receiver) = watch::channel(Arc::new(first));
    let shared = Data::new(PageState { shown: receiver, listeners: Arc::default() });
    let hosts = Data::new(hosts);
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .app_data(hosts.clone())
            .wrap(from_fn(access::guard))
            .service(web::resource("/").to(page))
            .service(web::resource("/report.json").to(report))
            .service(web::resource("/events").to(listen))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .client_request_timeout(Duration::from_secs(10))
        .shutdown_timeout(1)
        .bind(address)
        .with_context(|| format!("`{address}` can't be listened on"))?;
    let address = server.addrs().first().copied().unwrap_or(address);
    let server = server.run();
    let handle = server.handle();
    out::print_json(&serde_json::json!({ "listening": address.to_string() }))
        .map_err(|_| anyhow::anyhow!("stdout is gone"))?;
    out::say(&format!("the dashboard is at http://{address}/, checked every {refresh} s; Ctrl-C stops it"));
    let checks = rt::spawn(check_again(recipe, checked, sender, refresh));
    let stop = async move {
        tokio::select! { _ = term.recv() => {} _ = interrupt.recv() => {} }
        // The check and those who wait for news are not waited for.
        checks.abort();
        handle.stop(false).await;
    };
    let (ended, ()) = tokio::join!(server, stop);
    ended.context("the server failed")
}

/// Checks again and again. A check that fails leaves the last page, with a banner.
async fn check_again(recipe: Recipe, mut last: Checked, sender: watch::Sender<Arc<Shown>>, refresh: u32) {
    let recipe = Arc::new(recipe);
    for version in 2.. {
        tokio::time::sleep(Duration::from_secs(u64::from(refresh))).await;
        let (result, answer) = oneshot::channel();
        let again = recipe.clone();
        // A thread that a stop does not wait for, as it would for one of the runtime's.
        let started = std::thread::Builder::new().name("check".to_owned()).spawn(move || {
            // Nobody listens any more after a stop.
            let _ = result.send(again.check(&(), HISTORY_SECONDS));
        });
        let failure = match started {
            Err(error) => Some(format!("the check can't be started: {error}")),
            Ok(_) => match answer.await {
                Err(_) => Some("the check broke off".to_owned()),
                Ok(Err(error)) => Some(with_causes(&error)),
                Ok(Ok(checked)) => {
                    last = checked;
                    None
                }
            },
        };
        if let Some(problem) = &failure {
            out::say(&format!("the check failed: {problem}"));
        }
        match shown(&recipe, &last, version, failure.as_deref()) {
            Ok(shown) => {
                sender.send_replace(Arc::new(shown));
            }
            Err(error) => out::say(&with_causes(&error)),
        }
    }
}

/// What is served of a check. It is also written where the command line named a file.
fn shown(recipe: &Recipe, checked: &Checked, version: u64, failure: Option<&str>) -> Result<Shown, Error> {
    if let (Some(output), None) = (&recipe.output, failure) {
        let project = recipe.project()?;
        let path = dashboard::output_file(&project, Some(output))?;
        store(&path, &checked.page(None, None, None)?)?;
    }
    Ok(Shown {
        version,
        page: checked.page(None, Some(version), failure)?.into(),
        report: checked.json()?.into(),
    })
}

async fn page(shared: Data<PageState>) -> HttpResponse {
    let page = shared.shown.borrow().page.clone();
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(page)
}

async fn report(shared: Data<PageState>) -> HttpResponse {
    let report = shared.shown.borrow().report.clone();
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(report)
}

async fn listen(request: HttpRequest, shared: Data<PageState>) -> HttpResponse {
    let kind = (CONTENT_TYPE, "text/event-stream");
    if request.method() == Method::HEAD {
        return HttpResponse::Ok().insert_header(kind).finish();
    }
    if shared.listeners.load(Ordering::Relaxed) >= MOST_LISTENERS {
        return HttpResponse::ServiceUnavailable().body("too many pages wait for news: close some\n");
    }
    let events = events::PageEvents::new(shared.shown.clone(), &shared.listeners);
    HttpResponse::Ok().insert_header(kind).body(events)
}
