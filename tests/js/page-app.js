// An app that is a page: oidc-client-ts in a real Chromium. The app and the server are two sites
// (127.0.0.1 and localhost), so that no cookie reaches a frame.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { startBrowser } from './browser.js'
import { PASSWORD } from './person.js'

const library = readFileSync(new URL('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url))

// The app's whole site: one page for everything, and the library.
function site(issuer, id) {
  const page = `<!doctype html><title>App</title><script src="/oidc-client-ts.js"></script><script>
const own = location.origin
const settings = (more) => ({
  authority: '${issuer}', client_id: '${id}', redirect_uri: own + '/back', silent_redirect_uri: own + '/silent',
  post_logout_redirect_uri: own + '/bye', scope: 'openid profile email offline_access', resource: '${issuer}',
  popup_redirect_uri: own + '/popup', popup_post_logout_redirect_uri: own + '/popup-bye',
  loadUserInfo: true, automaticSilentRenew: false, silentRequestTimeoutInSeconds: 15, ...more })
const users = (more) => new oidc.UserManager(settings(more))
if (location.pathname === '/silent') users().signinSilentCallback()
if (location.pathname.startsWith('/popup')) {
  // A window that was cut off from the one that opened it tells here, and stays.
  if (!window.opener) document.title = 'Nobody opened me'
  else if (location.pathname === '/popup') users().signinPopupCallback()
  else users().signoutPopupCallback()
}
</script>`
  return createServer((request, answer) => {
    const script = request.url === '/oidc-client-ts.js'
    answer.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' })
    answer.end(script ? library : page)
  })
}

// The app's site, registered, and a browser in which it is open.
async function withApp({ server, issuer }, id, test) {
  const app = site(issuer, id)
  await new Promise((ready) => app.listen(0, '127.0.0.1', ready))
  const own = `http://127.0.0.1:${app.address().port}`
  let browser
  try {
    // Any port of loopback fits the address on file (RFC 8252 7.3).
    const words = ['/back', '/silent', '/popup'].flatMap((path) => ['--redirect', `http://127.0.0.1${path}`])
    for (const path of ['/bye', '/popup-bye']) words.push('--post-logout-redirect', `${own}${path}`)
    server.command('client', 'add', id, '--public', '--first-party', '--silent', ...words)
    browser = await startBrowser()
    await browser.open(`${own}/`)
    const path = async (wanted) => {
      const here = new URL(await browser.url())
      return here.origin === own && here.pathname === wanted
    }
    const signIn = async () => {
      await browser.until(async () => (await browser.url()).startsWith(`${issuer}/signin`), 'no sign-in page')
      await browser.type('#login', 'temuulen')
      await browser.type('#password', PASSWORD)
      await browser.click('main form button[type=submit], main form .btn')
    }
    await test({ browser, own, path, signIn })
  } finally {
    await browser?.stop()
    app.close()
  }
}

export function tests(about) {
  const { issuer } = about
  return {
    async 'oidc-client-ts in Chromium: sign in, renew by refresh token, a frame learns nothing, sign out'() {
      await withApp(about, 'page-app', async ({ browser, own, path, signIn }) => {
        // In a frame of another site nobody is signed in (PROTOCOL 3): told at once, by no page.
        const before = await browser.run('return await users().signinSilent()')
        assert.equal(before?.why, 'login_required')

        // Not waited for: the page is gone when it is done.
        await browser.run('void users().signinRedirect({ state: { from: "here" } })')
        await signIn()
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

        // A frame of another site signs nobody out either: the person is still here.
        const unheard = await browser.run('return await users({ silentRequestTimeoutInSeconds: 2 }).signoutSilent()')
        assert.match(unheard?.why ?? '', /timed out/)
        await browser.run('void users().signinRedirect({ prompt: "none" })')
        await browser.until(() => path('/back'), 'not back at the app')
        const here = await browser.run('return { ...(await users().signinCallback()) }')
        assert.equal(here.profile?.sub, user.profile.sub, here.why)

        await browser.run('void users().signoutRedirect()')
        await browser.until(() => path('/bye'), 'not back after signing out')
        await browser.run('await users().signoutCallback()')
        await browser.run('void users().signinRedirect({ prompt: "none" })')
        await browser.until(() => path('/back'), 'no answer')
        const out = await browser.run('return await users().signinCallback()')
        assert.equal(out?.why, 'login_required')
      })
    },

    async 'oidc-client-ts in Chromium: signs in and out in windows of their own, which know who opened them'() {
      await withApp(about, 'popup-app', async ({ browser, signIn }) => {
        const [first] = await browser.windows()
        // Begins in the app, goes on in the window that it opens, ends in the app. A window that asks
        // nothing has closed itself before anybody looks, if it knows its opener.
        const popup = async (begin, goOn) => {
          await browser.run(`window.done = users().${begin}`)
          if (goOn) {
            const opened = await browser.until(
              async () => (await browser.windows()).find((one) => one !== first),
              'no window was opened',
            )
            await browser.look(opened)
            await goOn()
            let title
            await browser.until(async () => {
              title = await browser.title().catch(() => 'closed')
              return title === 'closed' || title === 'Nobody opened me'
            }, 'the window does not come to an end')
            assert.equal(title, 'closed')
            await browser.look(first)
          }
          return browser.run('return { ...(await window.done) }')
        }
        const user = await popup('signinPopup({ popupAbortOnClose: true })', signIn)
        assert.equal(user.profile?.preferred_username, 'temuulen', user.why)
        assert.equal(user.profile.email, 'temuulen@mail.example')
        // Signed in as the browser is: the window asks nothing.
        const again = await popup('signinPopup({ popupAbortOnClose: true })')
        assert.equal(again.profile?.sub, user.profile.sub, again.why)
        const out = await popup('signoutPopup()')
        assert.equal(out.why, undefined)
        const asked = await popup('signinPopup({ prompt: "none", popupAbortOnClose: true })')
        assert.equal(asked.why, 'login_required')
      })
    },

    async 'oidc-client-ts in Chromium: tokens bound to a key that never leaves the browser'() {
      await withApp(about, 'key-app', async ({ browser, path, signIn }) => {
        // Its own reader of userinfo sends no proof.
        const bound = `users({ loadUserInfo: false, dpop: { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } })`
        await browser.run(`void ${bound}.signinRedirect()`)
        await signIn()
        await browser.until(() => path('/back'), 'not back at the app')
        const user = await browser.run(`return { ...(await ${bound}.signinCallback()) }`)
        assert.equal(user.token_type, 'DPoP', user.why)
        const renewed = await browser.run(`return { ...(await ${bound}.signinSilent()) }`)
        assert.equal(renewed.token_type, 'DPoP', renewed.why)
        assert.notEqual(renewed.access_token, user.access_token)
        // The app's own calls, with our nonce where we ask for one; and by nobody else.
        const [told, bare, plain] = await browser.run(`
          const manager = ${bound}
          const user = await manager.getUser()
          const at = '${issuer}/oauth2/userinfo'
          const ask = (scheme, proof) =>
            fetch(at, { headers: { authorization: scheme + ' ' + user.access_token, ...(proof && { DPoP: proof }) } })
          let answer = await ask('DPoP', await manager.dpopProof(at, user))
          const nonce = answer.headers.get('dpop-nonce')
          if (answer.status === 401) answer = await ask('DPoP', await manager.dpopProof(at, user, 'GET', nonce))
          return [await answer.json(), (await ask('DPoP')).status, (await ask('Bearer')).status]`)
        assert.equal(told.sub, user.profile.sub)
        assert.deepEqual([bare, plain], [401, 401])
        const stolen = await browser.run('return await users({ loadUserInfo: false }).signinSilent()')
        assert.equal(stolen?.why, 'invalid_grant')
      })
    },

    async 'oidc-client-ts in Chromium: the answer comes in the fragment, which no server sees'() {
      await withApp(about, 'fragment-app', async ({ browser, own, path, signIn }) => {
        const asks = `users({ response_mode: 'fragment' })`
        await browser.run(`void ${asks}.signinRedirect()`)
        await signIn()
        await browser.until(() => path('/back'), 'not back at the app')
        const back = new URL(await browser.url())
        assert.equal(back.search, '')
        assert.match(back.hash, /[#&]code=/)
        const user = await browser.run(`return { ...(await ${asks}.signinCallback()) }`)
        assert.equal(user.profile?.preferred_username, 'temuulen', user.why)
        // A refusal comes in the same way.
        await browser.open(`${own}/`)
        await browser.run(`void ${asks}.signinRedirect({ prompt: 'none', max_age: 0 })`)
        await browser.until(() => path('/back'), 'no answer')
        const refused = await browser.run(`return await ${asks}.signinCallback()`)
        assert.equal(refused?.why, 'login_required')
        assert.match(new URL(await browser.url()).hash, /[#&]error=login_required(&|$)/)
      })
    },
  }
}
