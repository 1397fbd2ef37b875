//! The routes: one for each operation, and what every request goes through before and after.

use super::access::{Access, Guard};
use super::calls::Calls;
use super::problem::Refusal;
use super::request_id::RequestId;
use super::{answer, bind, body, headers, limits, paths, system};
use axum::extract::{Path, Request};
use axum::http::{Method, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, get, on};
use axum::{Extension, Router};
use cmms::Client;
use cmms::core::Error;
use cmms::core::ops::{OPERATIONS, OpMeta, Verb};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What handlers share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) client: Client,
    pub(super) guard: Guard,
    pub(super) calls: Calls,
}

/// The routes of a client, for a listener of the program's own.
///
/// The names by which the server may be called are checked, its port is not: see [`router_on_port`].
pub fn router(client: Client, access: Access) -> Router {
    assemble(
        client,
        Guard {
            access,
            port: None,
            address: None,
        },
        Calls::default(),
    )
}

/// The routes of a client, for a listener of the program's own on this port.
pub fn router_on_port(client: Client, access: Access, port: u16) -> Router {
    assemble(
        client,
        Guard {
            access,
            port: Some(port),
            address: None,
        },
        Calls::default(),
    )
}

/// The routes with all that surrounds them.
pub(super) fn assemble(client: Client, guard: Guard, calls: Calls) -> Router {
    let state = Arc::new(State {
        client,
        guard,
        calls,
    });
    let mut router = Router::new();
    for op in OPERATIONS {
        let meta = &op.meta;
        let shared = Arc::clone(&state);
        let handler = move |Extension(id): Extension<RequestId>, request: Request| {
            operation(Arc::clone(&shared), id, meta, request)
        };
        router = router.route(meta.path, on(filter(meta.verb), handler));
    }
    let (health, readyz) = (Arc::clone(&state), Arc::clone(&state));
    router
        .route(
            system::HEALTH,
            get(move || async move { system::health(&health).await }),
        )
        .route(
            system::READYZ,
            get(move || async move { system::readyz(&readyz).await }),
        )
        .route(system::LIVEZ, get(async || system::livez()))
        .route(system::OPENAPI, get(async || system::openapi()))
        .route(
            system::ERROR,
            get(
                async |Extension(id): Extension<RequestId>, Path(code): Path<String>| {
                    system::error(&code).unwrap_or_else(|refusal| refusal.respond(&id))
                },
            ),
        )
        .fallback(
            async |Extension(id): Extension<RequestId>, method: Method, uri: Uri| {
                paths::not_found(&method, uri.path()).respond(&id)
            },
        )
        .method_not_allowed_fallback(
            async |Extension(id): Extension<RequestId>, method: Method, uri: Uri| {
                paths::not_allowed(&method, uri.path()).respond(&id)
            },
        )
        .layer(middleware::from_fn(move |request, next| {
            around(Arc::clone(&state), request, next)
        }))
}

fn filter(verb: Verb) -> MethodFilter {
    match verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
        Verb::Patch => MethodFilter::PATCH,
        Verb::Delete => MethodFilter::DELETE,
    }
}

/// Gives a request its id, refuses foreign and oversized ones, survives a panic, and completes the answer.
async fn around(state: Arc<State>, mut request: Request, next: Next) -> Response {
    let app = state.client.app();
    let id = RequestId::of(request.headers(), &*app.ids);
    let started = app.clock.elapsed();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(id.clone());
    let (parts, body) = request.into_parts();
    let admitted = state.guard.check(&parts.uri, &parts.headers);
    let mut response = match admitted.and_then(|()| limits::check(&parts)) {
        Err(refusal) => refusal.respond(&id),
        Ok(()) => {
            let answer = next.run(Request::from_parts(parts, body));
            AssertUnwindSafe(answer)
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Refusal::of(Error::internal("a handler panicked")).respond(&id))
        }
    };
    headers::add(response.headers_mut(), &id);
    let took = app.clock.elapsed().saturating_sub(started);
    let status = response.status().as_u16();
    // Debug form: a path comes from outside and may hold anything.
    tracing::info!(request_id = %id, %method, ?path, status, ms = took.as_millis(), "answered");
    response
}

/// The one handler of all operations.
async fn operation(
    state: Arc<State>,
    id: RequestId,
    meta: &'static OpMeta,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let done = async {
        let body = body::read(&parts, body).await?;
        let input = bind::input(meta, &parts, &body)?;
        let key = bind::idempotency_key(meta, &parts)?;
        let json = state
            .calls
            .call(&state.client, &id, meta, input, key.clone())
            .await?;
        Ok::<_, Refusal>((json, key.is_some_and(|key| key.replayed())))
    };
    match done.await {
        Ok((json, replayed)) => answer::of(meta, json, replayed),
        Err(refusal) => refusal.respond(&id),
    }
}
