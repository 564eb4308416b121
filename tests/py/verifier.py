"""Services that check tokens by discovery, as authlib and PyJWT do it: each is its own issuer."""

import time
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750 import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from person import Person
from server import Server

CALLBACK = "http://127.0.0.1:7656/callback"


def spring_style(issuer):
    """{issuer}/.well-known/openid-configuration, else the paths of RFC 8414 3.1; the name must fit."""
    root, path = issuer.split("/services/", 1)
    for place in (
        f"{issuer}/.well-known/openid-configuration",
        f"{root}/.well-known/openid-configuration/services/{path}",
        f"{root}/.well-known/oauth-authorization-server/services/{path}",
    ):
        found = requests.get(place, timeout=30)
        assert found.status_code == 200 and found.json()["issuer"] == issuer, place
    return found.json()


class Discovered(JWTBearerTokenValidator):
    def get_jwks(self):
        found = spring_style(self.issuer)
        AuthorizationServerMetadata(found).validate_issuer()
        return requests.get(found["jwks_uri"], timeout=30).json()


def refused(check, *kinds):
    try:
        check()
    except kinds:
        return
    raise AssertionError("it was taken")


def tokens(server, scope, resource):
    client = OAuth2Session(
        "demo-messenger",
        scope=scope,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    )
    verifier = generate_token(48)
    url, state = client.create_authorization_url(
        f"{server.issuer}/oauth2/authorize", code_verifier=verifier, resource=resource
    )
    person = Person(server.issuer)
    page = person.go(url)
    away = person.sign_in(page, "temuulen") if "/signin" in page.url else page
    assert parse_qs(urlsplit(away).query)["iss"] == [server.issuer]
    return client.fetch_token(
        f"{server.issuer}/oauth2/token",
        authorization_response=away,
        state=state,
        code_verifier=verifier,
    )


def each_service_takes_its_own_tokens_alone(server):
    person = Person(server.issuer)
    person.sign_up(person.go("/signup"), "temuulen")
    for name in ("chat", "files"):
        audience = f"https://{name}.example"
        words = ["--audience", audience, "--scope", f"{name}:use", "--own-issuer"]
        server.command("service", "add", name, *words, "--algorithm", "ES256")
        server.command("client", "edit", "demo-messenger", "--add-scope", f"{name}:use")
    time.sleep(1)
    # authlib
    own, given = {}, {}
    for name in ("chat", "files"):
        issuer, audience = f"{server.issuer}/services/{name}", f"https://{name}.example"
        own[name] = Discovered(issuer, audience)
        given[name] = tokens(server, f"openid {name}:use", audience)
    for name, other in (("chat", "files"), ("files", "chat")):
        access = given[name]["access_token"]
        claims = own[name].authenticate_token(access)
        own[name].validate_token(claims, [f"{name}:use"], None)
        refused(
            lambda: own[name].validate_token(claims, [f"{other}:use"], None), InsufficientScopeError
        )
        refused(lambda: own[other].authenticate_token(access), InvalidTokenError, ValueError)
        # An ID token is ours, whoever asked for it.
        refused(
            lambda: own[name].authenticate_token(given[name]["id_token"]),
            InvalidTokenError,
            ValueError,
        )
    # PyJWT: the key by its kid, and then the claims.
    for name in ("chat", "files"):
        keys = jwt.PyJWKClient(spring_style(f"{server.issuer}/services/{name}")["jwks_uri"])

        def check(token):
            return jwt.decode(
                token,
                keys.get_signing_key_from_jwt(token).key,
                algorithms=["ES256"],
                audience=f"https://{name}.example",
                issuer=f"{server.issuer}/services/{name}",
            )

        other = "files" if name == "chat" else "chat"
        assert check(given[name]["access_token"])["scope"] == f"{name}:use"
        refused(lambda: check(given[other]["access_token"]), jwt.PyJWTError)


def run():
    with Server(PASSWORD__MEMORY_KIB=8) as server:
        for test in (each_service_takes_its_own_tokens_alone,):
            yield test.__name__.replace("_", " "), lambda test=test: test(server)
