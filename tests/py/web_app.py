"""authlib in an app on the web: on starlette, with its clients of httpx2, and what it thinks of our
metadata."""

import asyncio
import pathlib
import ssl
import tempfile
from urllib.parse import urlencode, urlsplit

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client
from authlib.integrations.starlette_client import OAuth
from authlib.oauth2 import rfc8414, rfc9101, rfc9207
from authlib.oidc import discovery, rpinitiated
from starlette.requests import Request

from authority import Authority
from machine import CONFIGURATION, added, machines, program, refused
from person import Person, heading, posted
from server import Server, free_port

BACK = "https://almanac.example/back"
BYE = "https://almanac.example/bye"
SCOPE = "openid profile email offline_access"


def almanac(server, name, *more):
    words = ["--redirect", BACK, "--post-logout-redirect", BYE, *more]
    made = added(server, "client", name, *words)
    return {"client_id": made["client_id"], "client_secret": made["client_secret"]}


def arrives(session, url, form=None):
    """What the app is asked by a browser that has this session: an address, or a form posted to it."""

    async def receive():
        return {"type": "http.request", "body": urlencode(form or {}).encode()}

    parts = urlsplit(url)
    scope = {
        "type": "http",
        "method": "GET" if form is None else "POST",
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        "session": session,
    }
    return Request(scope, receive)


async def rejected(asked, error=None):
    try:
        await asked
    except OAuthError as why:
        assert error in (None, why.error), why
        return
    raise AssertionError("it was taken")


def an_app_on_starlette(server):
    # It reads the issuer of no answer (RFC 9207): so far authlib knows `iss` in metadata, and as a
    # server.
    app = OAuth().register(
        name="gerege",
        server_metadata_url=server.issuer + CONFIGURATION,
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256"},
        **almanac(server, "almanac"),
    )
    person, session = Person(server.issuer), {}

    async def begin(**more):
        sent = await app.authorize_redirect(arrives(session, "/signin"), BACK, **more)
        return sent.headers["location"]

    async def signs_in_and_out():
        away = person.allow(await begin())
        # Another browser's answer is none.
        await rejected(app.authorize_access_token(arrives({}, away)), "mismatching_state")
        token = await app.authorize_access_token(arrives(session, away))
        assert token["userinfo"]["iss"] == server.issuer and token["userinfo"]["nonce"]
        info = await app.userinfo(token=token)
        assert info["preferred_username"] == "temuulen" and info.sub == token["userinfo"].sub
        # By a form that sends itself, and a refusal.
        at, form = posted(person.allow(await begin(response_mode="form_post")))
        assert at == BACK and set(form) == {"code", "state", "iss"}, form
        token = await app.authorize_access_token(arrives(session, at, form))
        assert token["userinfo"]["aud"] == "almanac"
        page = person.go(await begin(prompt="consent"))
        denied = person.submit(page, decision="deny")
        await rejected(app.authorize_access_token(arrives(session, denied)), "access_denied")
        # Signed out by the app, and back with the state that it kept.
        hint = token["id_token"]
        out = await app.logout_redirect(arrives(session, "/signout"), BYE, id_token_hint=hint)
        bye = person.go(out.headers["location"])
        assert bye.startswith(BYE), heading(bye)
        assert heading(person.go("/account")) == "Sign in"
        await rejected(app.validate_logout_response(arrives({}, bye)))
        kept = await app.validate_logout_response(arrives(session, bye))
        assert kept == {"post_logout_redirect_uri": BYE}

    asyncio.run(signs_in_and_out())


def a_client_that_waits_for_nobody(server):
    at = server.read(CONFIGURATION)
    own = almanac(server, "almanac-waits")
    renewed = []

    async def update(token, refresh_token=None, access_token=None):
        renewed.append((refresh_token, token["access_token"]))

    async def walks():
        settings = {"scope": SCOPE, "redirect_uri": BACK, "code_challenge_method": "S256"}
        to = {"token_endpoint": at["token_endpoint"], "update_token": update}
        async with AsyncOAuth2Client(**own, **settings, **to) as client:
            verifier = generate_token(48)
            url, state = client.create_authorization_url(
                at["authorization_endpoint"], code_verifier=verifier
            )
            away = Person(server.issuer).allow(url)
            token = await client.fetch_token(
                authorization_response=away, state=state, code_verifier=verifier
            )
            # What has run out is renewed by the way, once for all who wait for it.
            client.token = {**token, "expires_at": 1}
            asked = [client.get(at["userinfo_endpoint"]) for _ in range(8)]
            told = [answer.json()["preferred_username"] for answer in await asyncio.gather(*asked)]
            assert told == ["temuulen"] * 8
            assert len(renewed) == 1 and renewed[0][0] == token["refresh_token"], renewed
            assert renewed[0][1] == client.token["access_token"] != token["access_token"]

            async def look():
                refresh = client.token["refresh_token"]
                answer = await client.introspect_token(at["introspection_endpoint"], token=refresh)
                return answer.json()

            assert (await look())["active"] is True
            gone = await client.revoke_token(
                at["revocation_endpoint"], client.token["refresh_token"], "refresh_token"
            )
            assert gone.status_code == 200
            assert await look() == {"active": False}
            await rejected(client.refresh_token(), "invalid_grant")
            assert (await client.get(at["userinfo_endpoint"])).status_code == 401

    asyncio.run(walks())


def a_program_asks_anew_by_itself(server):
    at = server.read(CONFIGURATION)
    machines(server, "tide")
    made = program(server, "tide-reader", "tide", "--auth", "post")
    settings = {
        "scope": "tide",
        "token_endpoint_auth_method": "client_secret_post",
        "token_endpoint": at["token_endpoint"],
        "grant_type": "client_credentials",
    }
    with OAuth2Client(made["client_id"], made["client_secret"], **settings) as client:
        first = client.fetch_token()
        assert first["scope"] == "tide"
        client.token = {**first, "expires_at": 1}
        # No endpoint of ours takes a program's token, but it was renewed for the request.
        assert client.get(at["userinfo_endpoint"]).status_code == 401
        assert client.token["access_token"] != first["access_token"]
        refused(lambda: client.fetch_token(scope="tide quay"), "invalid_scope")


def what_it_thinks_of_our_metadata(folder):
    authority = Authority(folder)
    tls = authority.vouch("tls", "localhost")
    shown = {name: authority.vouch(name, f"{name}.example") for name in ("forum", "other")}
    settings = {
        "LISTEN__TLS_CERT": tls[0],
        "LISTEN__TLS_KEY": tls[1],
        "MTLS__LISTEN": f"127.0.0.1:{free_port()}",
        "MTLS__CA_FILE": authority.file,
    }
    with Server(authority=authority.file, PASSWORD__MEMORY_KIB=8, **settings) as server:
        found = rfc8414.AuthorizationServerMetadata(
            server.read("/.well-known/oauth-authorization-server")
        )
        found.validate(
            metadata_classes=[
                rfc9101.AuthorizationServerMetadata,
                rfc9207.AuthorizationServerMetadata,
            ]
        )
        assert found["authorization_response_iss_parameter_supported"] is True
        found = discovery.OpenIDProviderMetadata(server.read(CONFIGURATION))
        found.validate(metadata_classes=[rpinitiated.OpenIDProviderMetadata])
        assert found["end_session_endpoint"].startswith(server.issuer)
        # And a program shows its certificate by httpx2.
        machines(server, "files", "--proof", "mtls")
        words = ["--auth", "tls_client_auth", "--certificate", "dns:forum.example"]
        program(server, "forum", "files", *words)

        def ask(certificate):
            context = ssl.create_default_context(cafile=authority.file)
            if certificate:
                context.load_cert_chain(*certificate)
            own = {"token_endpoint_auth_method": "none", "scope": "files", "verify": context}
            with OAuth2Client("forum", **own) as client:
                to = found["mtls_endpoint_aliases"]["token_endpoint"]
                return client.fetch_token(to, grant_type="client_credentials")

        assert ask(shown["forum"])["scope"] == "files"
        for certificate in (None, shown["other"]):
            refused(lambda: ask(certificate), "invalid_client")


def run():
    with Server(PASSWORD__MEMORY_KIB=8) as server:
        person = Person(server.issuer)
        person.sign_up(person.go("/signup"), "temuulen")
        for test in (
            an_app_on_starlette,
            a_client_that_waits_for_nobody,
            a_program_asks_anew_by_itself,
        ):
            yield f"authlib: {test.__name__.replace('_', ' ')}", lambda test=test: test(server)
    with tempfile.TemporaryDirectory(prefix="gerege-py-") as folder:
        test = what_it_thinks_of_our_metadata
        yield f"authlib: {test.__name__.replace('_', ' ')}", lambda: test(pathlib.Path(folder))
