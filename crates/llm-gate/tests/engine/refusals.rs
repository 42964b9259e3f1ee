//! Calls that are refused before anything is held, and gates that can't be built.

use llm_gate::{Gate, GateError, ModelInfo, SetupError};
use llm_policy::{LedgerError, RequestError, RouteConfig};
use serde_json::json;

use crate::support::{Bench, call, config, prices, provider_config, question, usage, whole};

#[tokio::test(start_paused = true)]
async fn a_gate_without_providers_refuses_calls() {
    let gate = Gate::builder().build().unwrap();
    assert_eq!(gate.call(call(question())).await.unwrap_err(), GateError::NoProvider);
    assert_eq!(gate.models(), []);
    assert_eq!(gate.candidate("m"), None);
}

#[tokio::test(start_paused = true)]
async fn the_error_names_an_unknown_model() {
    let bench = Bench::new();
    let mut body = question();
    body["model"] = "m2".into();
    let told = bench.ask_whole(body).await.unwrap_err();
    assert_eq!(told, GateError::UnknownModel { model: "m2".to_owned() });
    assert_eq!(bench.finish().await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_request_is_refused_before_anything_is_held() {
    let bench = Bench::new();
    let mut body = question();
    body["n"] = json!("many");
    let told = bench.ask_whole(body).await.unwrap_err();
    assert!(matches!(told, GateError::Request(RequestError::Invalid { .. })), "{told:?}");
    assert_eq!(bench.finish().await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_without_a_price_is_refused_and_never_free() {
    let bench = Bench::build(config(vec![provider_config("alpha", &["m", "unheard-of"])]), |builder| builder);
    let mut body = question();
    body["model"] = "unheard-of".into();
    let told = bench.ask_whole(body).await.unwrap_err();
    let (provider, model) = ("alpha".to_owned(), "unheard-of".to_owned());
    assert_eq!(told, GateError::Ledger(LedgerError::NotPriced { provider, model }));
    assert_eq!(bench.finish().await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_price_for_embeddings_does_not_price_a_chat() {
    let bench = Bench::new();
    let mut body = question();
    body["model"] = "vectors".into();
    let told = bench.ask_whole(body).await.unwrap_err();
    assert!(matches!(told, GateError::Ledger(LedgerError::NotPriced { .. })), "{told:?}");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_a_price_is_skipped() {
    let mut unpriced = provider_config("alpha", &["m"]);
    unpriced.priced_as = "nobody".to_owned();
    let bench = Bench::build(config(vec![unpriced, provider_config("beta", &["m"])]), |builder| builder);
    bench.beta.then(whole("hi", Some(usage(9, 2))));
    let (_, receipt) = bench.ask_whole(question()).await.unwrap();
    assert_eq!((receipt.provider.as_str(), receipt.attempt), ("beta", 1));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_ledger_has_no_price_for_is_refused_and_not_sent() {
    let bench = Bench::pair();
    let error = LedgerError::NotPriced { provider: "alpha".to_owned(), model: "m".to_owned() };
    bench.ledger.refuse(error.clone());
    assert_eq!(bench.ask_whole(question()).await.unwrap_err(), GateError::Ledger(error));
    assert_eq!(bench.finish().await.len(), 0);
    assert_eq!((bench.alpha.seen().len(), bench.beta.seen().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_fit_the_budget_is_refused_and_holds_nothing() {
    let bench = Bench::new();
    bench.ledger.set_limit(1_000_000);
    let told = bench.ask_whole(question()).await.unwrap_err();
    assert!(matches!(told, GateError::Ledger(LedgerError::Quota(_))), "{told:?}");
    assert_eq!(bench.finish().await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_models_are_listed_in_the_order_of_the_configuration() {
    let mut config =
        config(vec![provider_config("alpha", &["z", "m"]), provider_config("beta", &["m", "a"])]);
    config.routes = vec![RouteConfig { model: "m".to_owned(), to: vec!["beta".to_owned()] }];
    let bench = Bench::build(config, |builder| builder);
    let listed = [("z", "alpha"), ("m", "beta"), ("a", "beta")];
    let listed = listed.map(|(id, provider)| ModelInfo { id: id.to_owned(), provider: provider.to_owned() });
    assert_eq!(bench.gate.models(), listed);
    assert_eq!(bench.gate.default_model(), Some("m"));
    assert_eq!(bench.gate.prices().version(), prices().version());
}

#[tokio::test(start_paused = true)]
async fn providers_and_configuration_must_match() {
    let bench = Bench::pair();
    let one = || config(vec![provider_config("alpha", &["m"])]);
    let missing = Gate::builder().config(one()).build().unwrap_err();
    assert_eq!(missing, SetupError::Missing { name: "alpha".to_owned() });
    let extra = Gate::builder()
        .config(one())
        .provider(bench.alpha.clone())
        .provider(bench.beta.clone())
        .build()
        .unwrap_err();
    assert_eq!(extra, SetupError::NotConfigured { name: "beta".to_owned() });
    let mut config = one();
    config.routes = vec![RouteConfig { model: "m".to_owned(), to: vec!["gamma".to_owned()] }];
    let route = Gate::builder().config(config).provider(bench.alpha.clone()).build().unwrap_err();
    assert_eq!(route, SetupError::Route { model: "m".to_owned(), provider: "gamma".to_owned() });
}
