// A code with PKCE: how openid-client and oauth4webapi begin, for what the browser goes through.
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'

// Where openid-client sends the browser, and what it checks the answer by.
export async function begin(config, wish, build = oidc.buildAuthorizationUrl) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const url = await build(config, {
    ...wish,
    state: expectedState,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  return { url, checks: { pkceCodeVerifier, expectedState } }
}

// Signs a person in by openid-client, who allows what is asked.
export async function signIn(config, person, wish, options) {
  const { url, checks } = await begin(config, wish)
  const { away } = await person.allow(url)
  return oidc.authorizationCodeGrant(config, away, checks, undefined, options)
}

// What oauth4webapi asks for, and what it checks the answer by.
export async function asking(client, wish) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const parameters = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    ...wish,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  return { parameters, state, verifier }
}

// The address of a request, or of one that was pushed.
export function address(as, parameters) {
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams(parameters)
  return url
}
