// check.mjs JWKS_URL ISSUER AUDIENCE: reads a token from standard input, prints its claims.
import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'

// One spelling only, as RFC 7515 writes base64url.
const canonical = (part) => Buffer.from(part, 'base64url').toString('base64url') === part

// Make one when your service starts, and keep it: it holds the keys.
export function checker(keySet, issuer, audience) {
  // An unknown kid loads the set again, at most once in 10 seconds.
  const keys = createRemoteJWKSet(new URL(keySet), {
    timeoutDuration: 3000,
    cooldownDuration: 10000,
    cacheMaxAge: 600000,
  })
  return async function check(token) {
    const parts = token.split('.')
    if (token.length > 16384 || parts.length !== 3 || !parts.every(canonical)) {
      throw new Error('not a signed token')
    }
    const header = decodeProtectedHeader(token)
    if (Object.keys(header).some((name) => !['alg', 'typ', 'kid'].includes(name))) {
      throw new Error('the header has a member that is not accepted')
    }
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['RS256', 'ES256', 'EdDSA'], // and of these the one the key is for
      typ: 'at+jwt',
      issuer,
      audience,
      clockTolerance: 30,
      requiredClaims: ['sub', 'client_id', 'exp', 'iat', 'jti'],
    })
    if (payload.aud !== audience) throw new Error('meant for other services too')
    if (payload.iat > Date.now() / 1000 + 30) throw new Error('not begun yet')
    if ('cnf' in payload) throw new Error('bound to a key that was not proved')
    return payload
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  try {
    const check = checker(...process.argv.slice(2, 5))
    console.log(JSON.stringify(await check(readFileSync(0, 'utf8').trimEnd())))
  } catch (why) {
    console.error(`refused: ${why.message}`)
    process.exit(1)
  }
}
