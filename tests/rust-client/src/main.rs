//! The openidconnect crate against a built Gerege in dev mode: code + PKCE, refresh, userinfo,
//! revocation, sign-out, devices, programs, introspection, registration. `SERVER_BINARY` names the
//! program; the last line counts.

#[allow(dead_code)]
#[path = "../../it/http.rs"]
mod http;
mod server;

use std::cell::Cell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use http::{Answer, Browser};
use openidconnect::core::*;
use openidconnect::http::Request;
use openidconnect::*;
use serde::{Deserialize, Serialize};
use server::{Server, sign_in, sign_up, text};

const CALLBACK: &str = "http://127.0.0.1:7656/callback";
const BACK: &str = "https://forum.example/callback";

type Done<T = ()> = Result<T, Box<dyn Error>>;

type Test = fn(&Server) -> Done;

/// What discovery says beyond what the crate reads by itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Endpoints {
    device_authorization_endpoint: DeviceAuthorizationUrl,
    introspection_endpoint: IntrospectionUrl,
    revocation_endpoint: String,
    end_session_endpoint: EndSessionUrl,
}

impl AdditionalProviderMetadata for Endpoints {}

type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type App = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

fn discover(server: &Server) -> Done<Metadata> {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let issuer = IssuerUrl::new(server.issuer.clone())?;
    Ok(Metadata::discover(&issuer, &http)?)
}

fn app(metadata: &Metadata, id: &str, secret: Option<&str>) -> App {
    let secret = secret.map(|secret| ClientSecret::new(secret.into()));
    CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(id.into()), secret)
}

fn scopes<const N: usize>(names: [&str; N]) -> [Scope; N] {
    names.map(|name| Scope::new(name.into()))
}

/// What an app got for a person, and that person's browser.
struct SignedIn {
    tokens: CoreTokenResponse,
    claims: CoreIdTokenClaims,
    browser: Browser,
}

/// From the app to the server, where the person does what `walk` says, and back with tokens.
fn through<const N: usize>(
    server: &Server,
    app: &App,
    wished: [&str; N],
    more: &[(&'static str, &'static str)],
    walk: impl FnOnce(&mut Browser, Answer) -> Answer,
) -> Done<SignedIn> {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut asked = app
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(scopes(wished))
        .set_pkce_challenge(challenge);
    for (name, value) in more {
        asked = asked.add_extra_param(*name, *value);
    }
    let (url, state, nonce) = asked.url();
    let mut browser = server.browser();
    let back = {
        let stored = browser.get(own_path(server, &url)?);
        let page = browser.arrive(stored);
        walk(&mut browser, page)
    };
    assert_eq!(
        back.param("state").as_deref(),
        Some(state.secret().as_str())
    );
    let code = AuthorizationCode::new(back.param("code").ok_or("no code")?);
    let tokens = app
        .exchange_code(code)?
        .set_pkce_verifier(verifier)
        .request(&http)?;
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let check = app.id_token_verifier();
    let claims = id_token.claims(&check, &nonce)?.clone();
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg()?,
        id_token.signing_key(&check)?,
    )?;
    assert_eq!(claims.access_token_hash(), Some(&hash));
    Ok(SignedIn {
        tokens,
        claims,
        browser,
    })
}

/// The path of an address of the server's own.
fn own_path<'a>(server: &Server, url: &'a url::Url) -> Done<&'a str> {
    let path = url.as_str().strip_prefix(&server.issuer);
    Ok(path.ok_or("another server")?)
}

/// Signs out where the crate sends the browser, and comes back to the app.
fn sign_out(server: &Server, metadata: &Metadata, signed_in: &mut SignedIn, to: &str) -> Done {
    let at = &metadata.additional_metadata().end_session_endpoint;
    let url = LogoutRequest::from(at.clone())
        .set_id_token_hint(signed_in.tokens.id_token().ok_or("no ID token")?)
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(to.into())?)
        .set_state(CsrfToken::new("bye".into()))
        .http_get_url();
    let answer = signed_in.browser.get(own_path(server, &url)?);
    let gone = signed_in.browser.arrive(answer);
    assert!(gone.location().starts_with(to), "{}", gone.location());
    assert_eq!(gone.param("state").as_deref(), Some("bye"));
    signed_in.browser.get("/account").leads("/signin");
    Ok(())
}

/// That the server refused it, and why.
#[track_caller]
fn refused<T, E: Error + 'static>(
    tried: Result<T, RequestTokenError<E, StandardErrorResponse<CoreErrorResponseType>>>,
    why: CoreErrorResponseType,
) {
    match tried {
        Err(RequestTokenError::ServerResponse(said)) => assert_eq!(said.error(), &why),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn a_messenger(server: &Server) -> Done {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let metadata = discover(server)?;
    let messenger =
        app(&metadata, "demo-messenger", None).set_redirect_uri(RedirectUrl::new(CALLBACK.into())?);
    let wished = ["profile", "email", "offline_access", "chat"];
    let create = [("prompt", "create")];
    let walk = |browser: &mut Browser, page: Answer| sign_up(server, browser, &page);
    let mut signed_in = through(server, &messenger, wished, &create, walk)?;
    assert_eq!(
        signed_in
            .claims
            .preferred_username()
            .map(|name| name.as_str()),
        Some("temuulen")
    );
    let refresh = signed_in.tokens.refresh_token().ok_or("no refresh token")?;
    let next = messenger
        .exchange_refresh_token(refresh)?
        .add_extra_param("resource", &server.issuer)
        .request(&http)?;
    let info: CoreUserInfoClaims = messenger
        .user_info(
            next.access_token().to_owned(),
            Some(signed_in.claims.subject().clone()),
        )?
        .request(&http)?;
    assert_eq!(
        info.email().map(|email| email.as_str()),
        Some("temuulen@mail.example")
    );
    sign_out(
        server,
        &metadata,
        &mut signed_in,
        "http://127.0.0.1/signed-out",
    )?;
    let last = next.refresh_token().ok_or("no successor")?.clone();
    // The crate revokes over https only, also on loopback; what it sends goes where all else does.
    let at = &metadata.additional_metadata().revocation_endpoint;
    let at = RevocationUrl::new(at.replacen("http:", "https:", 1))?;
    messenger
        .clone()
        .set_revocation_url(at)
        .revoke_token(last.clone().into())?
        .request(&http)?;
    refused(
        messenger.exchange_refresh_token(&last)?.request(&http),
        CoreErrorResponseType::InvalidGrant,
    );
    Ok(())
}

fn a_confidential_app(server: &Server) -> Done {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let metadata = discover(server)?;
    for (auth, style) in [
        ("basic", AuthType::BasicAuth),
        ("post", AuthType::RequestBody),
    ] {
        let name = format!("forum-{auth}");
        let words = [
            "--redirect",
            BACK,
            "--post-logout-redirect",
            "https://forum.example/bye",
        ];
        let made =
            server.command(&[&["client", "add", &name, "--auth", auth], &words[..]].concat());
        let with = |secret: &str, style: AuthType| -> Done<App> {
            Ok(app(&metadata, &name, Some(secret))
                .set_auth_type(style)
                .set_redirect_uri(RedirectUrl::new(BACK.into())?))
        };
        let secret = text(&made, "client_secret");
        let forum = with(&secret, style.clone())?;
        let wished = ["email", "offline_access"];
        let mut signed_in = through(server, &forum, wished, &[], sign_in)?;
        let refresh = signed_in.tokens.refresh_token().ok_or("no refresh token")?;
        let next = forum.exchange_refresh_token(refresh)?.request(&http)?;
        let subject = Some(signed_in.claims.subject().clone());
        let info: CoreUserInfoClaims = forum
            .user_info(next.access_token().to_owned(), subject)?
            .request(&http)?;
        assert_eq!(info.email_verified(), Some(true));
        let other = match style {
            AuthType::BasicAuth => AuthType::RequestBody,
            _ => AuthType::BasicAuth,
        };
        for wrong in [with(&format!("{secret}x"), style)?, with(&secret, other)?] {
            refused(
                wrong.exchange_refresh_token(refresh)?.request(&http),
                CoreErrorResponseType::InvalidClient,
            );
        }
        sign_out(
            server,
            &metadata,
            &mut signed_in,
            "https://forum.example/bye",
        )?;
    }
    Ok(())
}

fn a_device(server: &Server) -> Done {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let metadata = discover(server)?;
    let grants = ["--grant", "device_code", "--grant", "refresh_token"];
    server.command(&[&["client", "add", "radio", "--public"], &grants[..]].concat());
    let at = &metadata.additional_metadata().device_authorization_endpoint;
    let radio = app(&metadata, "radio", None).set_device_authorization_url(at.clone());
    let decide = |wished: &'static str, decision: &'static str| -> Done<_> {
        let begun: CoreDeviceAuthorizationResponse = radio
            .exchange_device_code()
            .add_scopes(scopes(["profile", wished]))
            .request(&http)?;
        let asked = Cell::new(0);
        // It asks, is told to wait, and meanwhile the person decides.
        let meanwhile = |_| {
            asked.set(asked.get() + 1);
            if asked.get() > 1 {
                return;
            }
            let mut browser = server.browser();
            let answer = browser.fill("/device", &[("user_code", begun.user_code().secret())]);
            let page = browser.arrive(answer);
            let page = sign_in(&mut browser, page);
            let answer = browser.submit(&page, &[("seen", "1"), ("decision", decision)]);
            browser.arrive(answer).is(200);
        };
        let given = radio
            .exchange_device_access_token(&begun)?
            .request(&http, meanwhile, None);
        assert!(asked.get() > 0, "it was let in before anybody decided");
        Ok(given)
    };
    let tokens = decide("offline_access", "allow")??;
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let unasked = |_: Option<&Nonce>| Ok(());
    let claims = id_token.claims(&radio.id_token_verifier(), unasked)?;
    let info: CoreUserInfoClaims = radio
        .user_info(
            tokens.access_token().clone(),
            Some(claims.subject().clone()),
        )?
        .request(&http)?;
    assert_eq!(
        info.preferred_username().map(|name| name.as_str()),
        Some("temuulen")
    );
    let refresh = tokens.refresh_token().ok_or("no refresh token")?;
    radio.exchange_refresh_token(refresh)?.request(&http)?;
    match decide("email", "deny")? {
        Err(RequestTokenError::ServerResponse(said)) => {
            assert_eq!(said.error(), &DeviceCodeErrorResponseType::AccessDenied);
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

fn a_program(server: &Server) -> Done {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let metadata = discover(server)?;
    let secrets = [
        ("harbour", server.service("harbour")),
        ("quay", server.service("quay")),
    ];
    let about = ["--grant", "client_credentials", "--scope", "harbour quay"];
    let made = server.command(&[&["client", "add", "crane"], &about[..]].concat());
    let crane = app(&metadata, "crane", Some(&text(&made, "client_secret")));
    let tokens = crane
        .exchange_client_credentials()?
        .add_scopes(scopes(["harbour"]))
        .request(&http)?;
    assert!(tokens.id_token().is_none() && tokens.refresh_token().is_none());
    let at = &metadata.additional_metadata().introspection_endpoint;
    for (name, secret) in &secrets {
        let service = app(&metadata, name, Some(secret)).set_introspection_url(at.clone());
        let told = service.introspect(tokens.access_token()).request(&http)?;
        // Each learns of tokens for itself alone.
        let own = *name == "harbour";
        assert_eq!(told.active(), own, "{name}");
        assert_eq!(
            told.client_id().is_some_and(|id| id.as_str() == "crane"),
            own
        );
        assert_eq!(told.username(), None);
    }
    // Nor may a program ask for what it was not given.
    refused(
        crane
            .exchange_client_credentials()?
            .add_scopes(scopes(["profile"]))
            .request(&http),
        CoreErrorResponseType::InvalidScope,
    );
    Ok(())
}

fn an_app_that_registers_itself(server: &Server) -> Done {
    let http = |request: Request<Vec<u8>>| server.send(request);
    let metadata = discover(server)?;
    let at = metadata.registration_endpoint().ok_or("no registration")?;
    let back = RedirectUrl::new("https://wiki.example/callback".into())?;
    let wish = CoreClientRegistrationRequest::new(vec![back.clone()], Default::default())
        .set_client_name(Some(
            [(None, ClientName::new("Steppe wiki".into()))]
                .into_iter()
                .collect(),
        ))
        .set_token_endpoint_auth_method(Some(CoreClientAuthMethod::ClientSecretBasic));
    assert!(wish.register(at, &http).is_err(), "nobody let it");
    let first = server.command(&["registration", "token"]);
    let token = AccessToken::new(text(&first, "initial_access_token"));
    let given = wish
        .set_initial_access_token(Some(token))
        .register(at, &http)?;
    assert!(
        given.registration_access_token().is_some() && given.registration_client_uri().is_some()
    );
    let secret = given.client_secret().ok_or("no secret")?.secret();
    let wiki = app(&metadata, given.client_id(), Some(secret)).set_redirect_uri(back);
    let signed_in = through(server, &wiki, ["profile"], &[], sign_in)?;
    assert!(
        signed_in
            .claims
            .audiences()
            .iter()
            .any(|one| one.as_str() == given.client_id().as_str())
    );
    Ok(())
}

fn main() -> ExitCode {
    let server = Server::start();
    // The first makes the account that all others use.
    let tests: [(&str, Test); 5] = [
        ("a public messenger, a stranger who signs up", a_messenger),
        (
            "a confidential app, its secret by Basic and in the form",
            a_confidential_app,
        ),
        (
            "a device that a person lets in, and one that is turned away",
            a_device,
        ),
        (
            "a program, and the services that ask about its token",
            a_program,
        ),
        ("an app that registers itself", an_app_that_registers_itself),
    ];
    let mut failed = 0;
    for (name, test) in tests {
        let why = match catch_unwind(AssertUnwindSafe(|| test(&server))) {
            Ok(Ok(())) => {
                println!("ok   openidconnect: {name}");
                continue;
            }
            Ok(Err(why)) => why.to_string(),
            Err(_) => "as told above".into(),
        };
        failed += 1;
        println!("FAIL openidconnect: {name}: {why}");
    }
    drop(server);
    println!("{} passed, {failed} failed", tests.len() as u8 - failed);
    ExitCode::from(failed)
}
