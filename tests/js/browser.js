// A real Chromium by its driver (WebDriver), without a package: pages of apps that run in it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './server.js'

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

export async function startBrowser() {
  const port = await freePort()
  const profile = mkdtempSync(join(tmpdir(), 'gerege-chromium-'))
  const driver = spawn('chromedriver', [`--port=${port}`], { stdio: 'ignore' })
  const send = async (method, path, body) => {
    const url = `http://127.0.0.1:${port}${path}`
    const answer = await fetch(url, { method, body: body && JSON.stringify(body) })
    const { value } = await answer.json()
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`)
    return value
  }
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  args.push('--disable-background-networking', '--disable-component-update', '--lang=en', `--user-data-dir=${profile}`)
  const wanted = { capabilities: { alwaysMatch: { 'goog:chromeOptions': { args } } } }
  let session
  for (let asked = 0; !session; asked++) {
    try {
      session = await send('POST', '/session', wanted)
    } catch (why) {
      if (asked > 100) throw why
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const at = `/session/${session.sessionId}`
  const element = async (css) => {
    const found = await send('POST', `${at}/element`, { using: 'css selector', value: css })
    return `${at}/element/${found[ELEMENT]}`
  }
  return {
    open: (url) => send('POST', `${at}/url`, { url }),
    url: () => send('GET', `${at}/url`),
    title: () => send('GET', `${at}/title`),
    // The windows that are open, the first one first, and the one that is looked at from now on.
    windows: () => send('GET', `${at}/window/handles`),
    look: (handle) => send('POST', `${at}/window`, { handle }),
    // What an async function of the page gives; `why` in place of what it threw.
    run: (script) =>
      send('POST', `${at}/execute/async`, {
        script: `const done = arguments[0]; (async () => { ${script} })().then(done, (why) => done({ why: String(why.error ?? why) }))`,
        args: [],
      }),
    type: async (css, text) => send('POST', `${await element(css)}/value`, { text }),
    click: async (css) => send('POST', `${await element(css)}/click`, {}),
    async until(what, why) {
      for (let asked = 0; asked < 300; asked++) {
        const found = await what()
        if (found) return found
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`${why}: ${await this.url()}`)
    },
    async stop() {
      await send('DELETE', at).catch(() => {})
      const gone = new Promise((end) => driver.on('exit', end))
      driver.kill()
      await gone
      rmSync(profile, { recursive: true, force: true })
    },
  }
}
