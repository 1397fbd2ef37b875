//! The client: what a Rust program calls.

use crate::Result;
use crate::context::{CallContext, IdempotencyKey, Principal, ProgressSender, Scope};
use crate::ops::{self, Input, Operation};
use crate::page::{DEFAULT_LIMIT, Page};
use crate::services::App;
use crate::services::worker::Worker;
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_util::sync::CancellationToken;

/// An open application, seen by one principal of one organization. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    app: Arc<App>,
    scope: Scope,
    cancel: CancellationToken,
    progress: Option<ProgressSender>,
    idempotency_key: Option<IdempotencyKey>,
}

impl Client {
    /// A client of an application. Programs use `cmms::open`.
    pub fn new(app: Arc<App>, scope: Scope) -> Self {
        Self {
            app,
            scope,
            cancel: CancellationToken::new(),
            progress: None,
            idempotency_key: None,
        }
    }

    /// The same application, acted in by somebody else.
    #[must_use]
    pub fn acting_as(&self, principal: Principal) -> Self {
        Self {
            scope: self.scope.acting_as(principal),
            ..self.clone()
        }
    }

    /// The same client, whose calls end when the token fires.
    #[must_use]
    pub fn cancelled_by(&self, cancel: CancellationToken) -> Self {
        Self {
            cancel,
            ..self.clone()
        }
    }

    /// The same client, whose syncs tell how far they are.
    #[must_use]
    pub fn telling(&self, progress: ProgressSender) -> Self {
        Self {
            progress: Some(progress),
            ..self.clone()
        }
    }

    /// The same client, whose calls are done once however often they are repeated within a day: the first answer to
    /// a call of an operation with this key and input is the answer to all. Use a key for one wish only.
    ///
    /// What is repeated shows what the answer shows; fields that are kept inside only are empty in it. Secrets of an
    /// input do not count when it is compared with the first one.
    ///
    /// # Errors
    /// `CMMS-OP-007` for a key that is not 1 to 255 visible ASCII characters.
    pub fn with_idempotency_key(&self, key: &str) -> Result<Self> {
        Ok(Self {
            idempotency_key: Some(IdempotencyKey::parse(key)?),
            ..self.clone()
        })
    }

    /// A worker for the organization of this client: carries out runs that wait, and goes on with those of programs that
    /// are gone. `cmms serve` runs one; a program that embeds the library runs it or not.
    pub fn worker(&self) -> Worker {
        Worker::new(Arc::clone(&self.app), &self.scope)
    }

    /// Ends runs that go on in the background at their next safe point, and waits until their ends are written.
    pub async fn stop(&self) {
        self.app.stop().await;
    }

    /// Waits for the end of all runs that go on in the background.
    pub async fn settled(&self) {
        self.app.settled().await;
    }

    /// The application.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Who acts, and in which organization.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The context of one call.
    pub fn context(&self, request_id: Option<Arc<str>>) -> CallContext {
        let request_id = request_id.unwrap_or_else(|| self.app.ids.next().to_string().into());
        let mut cx = CallContext::new(self.scope.clone(), request_id);
        cx.cancel = self.cancel.child_token();
        cx.progress = self.progress.clone();
        cx.idempotency_key = self.idempotency_key.clone();
        cx
    }

    /// Calls an operation by name and answers JSON.
    ///
    /// # Errors
    /// `CMMS-OP-001`, `CMMS-INPUT-…`, and those of the operation.
    pub async fn call(&self, name: &str, input: Input) -> Result<serde_json::Value> {
        let answer = ops::call(&self.context(None), &self.app, name, input).await?;
        serde_json::to_value(&*answer)
            .map_err(|e| crate::Error::internal("an answer cannot be written").source(e))
    }
}

/// The records of a list, page by page: a stream, and [`try_next`](Self::try_next) for programs without a library of
/// streams.
pub struct Records<T>(BoxStream<'static, Result<T>>);

impl<T> Records<T> {
    /// The next record; `None` behind the last one. After an error there is nothing more.
    ///
    /// # Errors
    /// Those of the list.
    pub async fn try_next(&mut self) -> Result<Option<T>> {
        self.0.try_next().await
    }
}

impl<T> Stream for Records<T> {
    type Item = Result<T>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        self.get_mut().0.poll_next_unpin(cx)
    }
}

impl<T> std::fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

/// Where a list's input says which page it wants: its cursor and its size.
type Place<'a> = (&'a mut Option<String>, &'a mut Option<u32>);

/// How far the reading of a list is.
struct Reading<I> {
    input: I,
    left: Option<u32>,
    over: bool,
}

/// The records of all pages, at most as many as the input's limit says.
fn records<O, T>(
    client: &Client,
    mut input: O::Input,
    place: fn(&mut O::Input) -> Place<'_>,
) -> Records<T>
where
    O: Operation<Output = Page<T>>,
    T: Send + std::marker::Sync + 'static,
{
    let client = client.clone();
    let left = *place(&mut input).1;
    let start = Reading {
        input,
        left,
        over: false,
    };
    let pages = stream::try_unfold(start, move |mut reading| {
        let client = client.clone();
        async move {
            if reading.over {
                return Ok::<_, crate::Error>(None);
            }
            *place(&mut reading.input).1 = reading.left.filter(|left| *left < DEFAULT_LIMIT);
            let cx = client.context(None);
            let page = ops::run::<O>(&cx, &client.app, reading.input.clone()).await?;
            let read = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
            reading.left = reading.left.map(|left| left.saturating_sub(read));
            reading.over = page.next.is_none() || reading.left == Some(0);
            *place(&mut reading.input).0 = page.next;
            Ok(Some((
                stream::iter(page.items.into_iter().map(Ok)),
                reading,
            )))
        }
    });
    Records(pages.try_flatten().boxed())
}

/// What goes through all pages, beside a method that lists one.
macro_rules! all_pages {
    (list, $doc:literal, $ty:ident) => {
        #[doc = $doc]
        /// All pages, one after the other; `limit`: at most so many in all.
        pub fn all(
            self,
            input: impl Into<<ops::types::$ty as Operation>::Input>,
        ) -> Records<<<ops::types::$ty as Operation>::Output as IntoIterator>::Item> {
            records::<ops::types::$ty, _>(self.0, input.into(), |input| {
                (&mut input.cursor, &mut input.limit)
            })
        }
    };
    ($other:ident, $doc:literal, $ty:ident) => {};
}

macro_rules! methods {
    ($($group:ident, $group_type:ident, $group_doc:literal { $(
        #[doc = $doc:literal]
        $method:ident = $ty:ident, $verb:ident $path:literal, $permission:ident, $effect:ident, $success:literal,
            [$($error:ident),*],
            $input:ty => $output:ty, $service:path;
    )* })*) => {
        impl Client { $(
            #[doc = $group_doc]
            pub fn $group(&self) -> $group_type<'_> {
                $group_type(self)
            }
        )* }

        $(
            #[doc = $group_doc]
            #[derive(Debug, Clone, Copy)]
            pub struct $group_type<'c>(&'c Client);

            impl $group_type<'_> { $(
                #[doc = $doc]
                #[doc = concat!("\n\n# Errors\nThose of `", stringify!($group), ".", stringify!($method), "`: see `api/operations.json`.")]
                pub async fn $method(
                    self,
                    input: impl Into<<ops::types::$ty as Operation>::Input>,
                ) -> Result<<ops::types::$ty as Operation>::Output> {
                    ops::run::<ops::types::$ty>(&self.0.context(None), &self.0.app, input.into()).await
                }
                all_pages!($method, $doc, $ty);
            )* }
        )*
    };
}

ops::operations_with!(methods);
