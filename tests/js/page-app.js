// An app that is a page: oidc-client-ts in a real Chromium. The app and the server are two sites
// (127.0.0.1 and localhost), so that no cookie reaches a frame.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { startBrowser } from './browser.js'
import { PASSWORD } from './person.js'

const library = readFileSync(new URL('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url))

// The app's whole site: one page for everything, and the library.
function site(issuer) {
  const page = `<!doctype html><title>App</title><script src="/oidc-client-ts.js"></script><script>
const own = location.origin
const settings = (more) => ({
  authority: '${issuer}', client_id: 'page-app', redirect_uri: own + '/back', silent_redirect_uri: own + '/silent',
  post_logout_redirect_uri: own + '/bye', scope: 'openid profile email offline_access', resource: '${issuer}',
  loadUserInfo: true, automaticSilentRenew: false, silentRequestTimeoutInSeconds: 15, ...more })
const users = (more) => new oidc.UserManager(settings(more))
if (location.pathname === '/silent') users().signinSilentCallback()
</script>`
  return createServer((request, answer) => {
    const script = request.url === '/oidc-client-ts.js'
    answer.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' })
    answer.end(script ? library : page)
  })
}

export function tests({ server, issuer }) {
  return {
    async 'oidc-client-ts in Chromium: sign in, renew by refresh token, a frame learns nothing, sign out'() {
      const app = site(issuer)
      await new Promise((ready) => app.listen(0, '127.0.0.1', ready))
      const own = `http://127.0.0.1:${app.address().port}`
      // Any port of loopback fits the address on file (RFC 8252 7.3).
      const words = ['--redirect', 'http://127.0.0.1/back', '--redirect', 'http://127.0.0.1/silent']
      words.push('--post-logout-redirect', `${own}/bye`, '--silent')
      server.command('client', 'add', 'page-app', '--public', '--first-party', ...words)
      const browser = await startBrowser()
      try {
        const path = async (wanted) => {
          const here = new URL(await browser.url())
          return here.origin === own && here.pathname === wanted
        }
        // In a frame of another site nobody is signed in (PROTOCOL 3): told at once, by no page.
        await browser.open(`${own}/`)
        const before = await browser.run('return await users().signinSilent()')
        assert.equal(before?.why, 'login_required')

        // Not waited for: the page is gone when it is done.
        await browser.run('void users().signinRedirect({ state: { from: "here" } })')
        await browser.until(async () => (await browser.url()).startsWith(`${issuer}/signin`), 'no sign-in page')
        await browser.type('#login', 'temuulen')
        await browser.type('#password', PASSWORD)
        await browser.click('main form button[type=submit], main form .btn')
        await browser.until(() => path('/back'), 'not back at the app')
        const user = await browser.run('const user = await users().signinCallback(); return { ...user, state: user.state }')
        assert.equal(user.why, undefined, user.why)
        assert.equal(user.profile.preferred_username, 'temuulen')
        assert.equal(user.profile.email, 'temuulen@mail.example', 'userinfo was read from the page')
        assert.deepEqual(user.state, { from: 'here' })

        // Silent renewal: by the refresh token, from the page itself.
        const renewed = await browser.run('return { ...(await users().signinSilent()) }')
        assert.equal(renewed.why, undefined, renewed.why)
        assert.notEqual(renewed.access_token, user.access_token)
        assert.notEqual(renewed.refresh_token, user.refresh_token)
        assert.equal(renewed.profile.sub, user.profile.sub)
        // By itself, before the token runs out.
        const alone = await browser.run(`
          const manager = users({ automaticSilentRenew: true, accessTokenExpiringNotificationTimeInSeconds: 0 })
          const user = await manager.getUser()
          user.expires_in = 2
          await manager.storeUser(user)
          const loaded = new Promise((done, fail) => {
            manager.events.addSilentRenewError(fail)
            manager.events.addUserLoaded((next) => {
            if (next.access_token !== user.access_token) done(next.access_token)
            })
          })
          await manager.getUser(true)
          return await loaded`)
        assert.equal(typeof alone, 'string', JSON.stringify(alone))
        assert.notEqual(alone, renewed.access_token)

        // Without one it tries a frame, where the cookie does not come along: signed in or not.
        const framed = await browser.run(`
          const manager = users({ scope: 'openid' })
          const user = await manager.getUser()
          delete user.refresh_token
          await manager.storeUser(user)
          return await manager.signinSilent()`)
        assert.equal(framed?.why, 'login_required')

        // In the window itself it does come along: a click is not asked for.
        await browser.open(`${own}/`)
        await browser.run('void users().signinRedirect({ prompt: "none" })')
        await browser.until(() => path('/back'), 'not back at the app')
        const again = await browser.run('return { ...(await users().signinCallback()) }')
        assert.equal(again.profile?.sub, user.profile.sub, again.why)

        const revoked = await browser.run(`
          const manager = users()
          const { refresh_token } = await manager.getUser()
          await manager.revokeTokens(['refresh_token'])
          const user = await manager.getUser()
          user.refresh_token = refresh_token
          await manager.storeUser(user)
          return await manager.signinSilent()`)
        assert.equal(revoked?.why, 'invalid_grant')

        await browser.run('void users().signoutRedirect()')
        await browser.until(() => path('/bye'), 'not back after signing out')
        await browser.run('await users().signoutCallback()')
        await browser.run('void users().signinRedirect({ prompt: "none" })')
        await browser.until(() => path('/back'), 'no answer')
        const out = await browser.run('return await users().signinCallback()')
        assert.equal(out?.why, 'login_required')
      } finally {
        await browser.stop()
        app.close()
      }
    },
  }
}
