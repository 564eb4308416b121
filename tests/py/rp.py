"""idpyoidc as a relying party: registered by the operator or by itself, DPoP, refresh, sign-out,
and approve on your phone."""

import json
import logging
from urllib.parse import parse_qs, urlsplit

import requests
from cryptojwt import KeyJar
from cryptojwt.jws.jws import factory
from idpyoidc.client.rp_handler import RPHandler

from person import Person, heading
from server import Server

BACK = "https://rp.example/back"
BYE = "https://rp.example/bye"
OIDC = "idpyoidc.client.oidc."
ADD_ON = "idpyoidc.client.oauth2.add_on."


def services(*more):
    names = {
        "discovery": "provider_info_discovery.ProviderInfoDiscovery",
        "registration": "registration.Registration",
        "authorization": "authorization.Authorization",
        "access_token": "access_token.AccessToken",
        "refresh_access_token": "refresh_access_token.RefreshAccessToken",
        "userinfo": "userinfo.UserInfo",
        "end_session": "end_session.EndSession",
        "backchannel_authentication": "backchannel_authentication.BackChannelAuthentication",
    }
    wanted = ["discovery", "authorization", "access_token", "refresh_access_token", *more]
    return {name: {"class": OIDC + names[name]} for name in wanted}


def handler(server, use, auth, add_ons=None, **own):
    pkce = {"code_challenge_length": 64, "code_challenge_method": "S256"}
    config = {
        "client_type": "oidc",
        "issuer": server.issuer,
        "redirect_uris": [BACK],
        "post_logout_redirect_uris": [BYE],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "client_authn_methods": [auth, "bearer_header"],
        "token_endpoint_auth_methods_supported": [auth],
        "services": use,
        "add_ons": {
            "pkce": {"function": ADD_ON + "pkce.add_support", "kwargs": pkce},
            **(add_ons or {}),
        },
        **own,
    }
    # Keys of its own would be made, and written beside the tests.
    return RPHandler("https://rp.example", {"gerege": config}, services=use, keyjar=KeyJar())


def walk(server, rp, person, scope):
    """Signs in; gives what the relying party made of the answer."""
    page = person.go(rp.begin("gerege", req_args={"scope": scope.split()}))
    if not isinstance(page, str) and heading(page) == "Sign in":
        page = person.sign_in(page, "temuulen")
    if not isinstance(page, str):
        page = person.submit(page, decision="allow")
    answer = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
    assert answer["iss"] == server.issuer
    done = rp.finalize(server.issuer, answer)
    assert "error" not in done, done
    return done


def register(server, name, *words):
    made = server.command(
        "client", "add", name, "--redirect", BACK, "--post-logout-redirect", BYE, *words, "--json"
    )
    made = json.loads(made)
    return {"client_id": made["client_id"], "client_secret": made.get("client_secret", "")}


SCOPE = "openid profile email offline_access"


def a_relying_party_that_the_operator_registered(server):
    own = register(server, "rp")
    rp = handler(server, services("userinfo", "end_session"), "client_secret_basic", **own)
    person = Person(server.issuer)
    done = walk(server, rp, person, SCOPE)
    assert done["userinfo"]["email"] == "temuulen@mail.example", done["userinfo"]
    assert done["id_token"]["aud"] == ["rp"] and done["id_token"]["nonce"]
    old = done["token"]
    fresh = rp.refresh_access_token(done["state"])
    assert fresh["access_token"] != old
    out = rp.logout(done["state"], post_logout_redirect_uri=BYE)
    assert person.go(out["url"]).startswith(BYE)
    assert heading(person.go("/account")) == "Sign in"


def a_relying_party_that_registers_itself(server):
    # It compares the scope that it gets with single words, so it may have one here
    # (REGISTRATION__SCOPES). By a key it cannot: its assertions then name nobody (iss and sub are
    # null).
    use = services("registration", "userinfo")
    rp = handler(
        server,
        use,
        "client_secret_basic",
        scopes_supported=["openid"],
        grant_types_supported=["authorization_code"],
    )
    done = walk(server, rp, Person(server.issuer), "openid")
    assert done["userinfo"]["sub"] == done["id_token"]["sub"]
    context = rp.issuer2rp[server.issuer].get_context()
    assert context.get_client_id().startswith("app-")


def a_token_bound_to_a_key(server):
    # It takes no nonce of ours, and its proofs at userinfo hold the digest of the token in hex,
    # where RFC 9449 4.2 has base64url: so neither is asked of it.
    own = register(server, "rp-bound")
    kwargs = {
        "dpop_signing_alg_values_supported": ["ES256"],
        "with_dpop_header": ["accesstoken", "refresh_token"],
    }
    dpop = {"dpop": {"function": ADD_ON + "dpop.add_support", "kwargs": kwargs}}
    rp = handler(server, services(), "client_secret_basic", add_ons=dpop, **own)
    done = walk(server, rp, Person(server.issuer), SCOPE)
    fresh = rp.refresh_access_token(done["state"])
    assert fresh["token_type"] == "DPoP"
    claims = factory(fresh["access_token"]).jwt.payload()
    assert claims["cnf"]["jkt"]


def approve_on_your_phone(server):
    words = ["--name", "Steppe Bank", "--grant", "urn:openid:params:grant-type:ciba"]
    own = register(server, "rp-bank", *words)
    use = services("backchannel_authentication")
    rp = handler(server, use, "client_secret_basic", **own)
    client = rp.client_setup("gerege")
    ask = {"scope": ["openid", "profile"], "login_hint": "temuulen", "binding_message": "W4SCT"}
    begun = client.do_request(
        "backchannel_authentication",
        request_args=ask,
        authn_method="client_secret_basic",
        method="POST",
    )
    assert begun["auth_req_id"] and begun["expires_in"] == 600, begun
    person = Person(server.issuer)
    person.sign_in(person.go("/signin"), "temuulen")
    page = person.go("/account/asked")
    assert "W4SCT" in page.text, (heading(page), begun, server.said()[-900:])
    first = page.text.split('name="asked" value="')[1].split('"')[0]
    page = person.submit(page, asked=first)
    assert heading(page) == "Let Steppe Bank go on?"
    assert heading(person.submit(page, decision="allow")) == "The other device may go on"
    # It has no service for the grant itself.
    tokens = requests.post(
        client.get_context().provider_info["token_endpoint"],
        data={
            "grant_type": "urn:openid:params:grant-type:ciba",
            "auth_req_id": begun["auth_req_id"],
        },
        auth=(own["client_id"], own["client_secret"]),
        timeout=30,
    ).json()
    assert factory(tokens["id_token"]).jwt.payload()["aud"] == "rp-bank"


def run():
    logging.getLogger("idpyoidc").setLevel(logging.CRITICAL)
    settings = {"REGISTRATION__MODE": "open", "REGISTRATION__SCOPES": "openid"}
    with Server(PASSWORD__MEMORY_KIB=8, **settings) as server:
        person = Person(server.issuer)
        person.sign_up(person.go("/signup"), "temuulen")
        for test in (
            a_relying_party_that_the_operator_registered,
            a_relying_party_that_registers_itself,
            a_token_bound_to_a_key,
            approve_on_your_phone,
        ):
            yield f"idpyoidc: {test.__name__.replace('_', ' ')}", lambda test=test: test(server)
