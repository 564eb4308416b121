// A Gerege of one's own: the built program in dev mode on a free port, stopped at the end.
import { spawn, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const binary = process.env.SERVER_BINARY ?? '../../target/debug/gerege'

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

// With a certificate in its settings its scheme is https, and `fetch` is one that believes it.
export async function startServer({ settings = {}, scheme = 'http', fetch = globalThis.fetch } = {}) {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'gerege-js-'))
  const issuer = `${scheme}://localhost:${port}`
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME ?? '/',
    GEREGE_LISTEN__ADDRESS: `127.0.0.1:${port}`,
    GEREGE_PUBLIC_URL: issuer,
    GEREGE_DATA_DIR: folder,
    GEREGE_CHECK__KIND: 'off',
    GEREGE_PASSWORD__MEMORY_KIB: '8',
    GEREGE_REGISTRATION__MODE: 'token',
    ...settings,
  }
  let log = ''
  const child = spawn(binary, ['serve', '--dev'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', (piece) => (log += piece))
  child.stderr.on('data', (piece) => (log += piece))
  let ended = false
  child.on('exit', () => (ended = true))
  for (let asked = 0; ; asked++) {
    const ready = await fetch(`${issuer}/readyz`).then((answer) => answer.ok, () => false)
    if (ready) break
    if (ended || asked > 600) {
      child.kill()
      throw new Error(`the server does not start:\n${log}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    issuer,
    // Where its data lies, until it is stopped.
    folder,
    // A command on the same data, while the server runs.
    command: (...words) => execFileSync(binary, words, { env, encoding: 'utf8' }),
    // The running server sees a new service with a scope of its own name, and its key, within a second.
    async seen(service) {
      const read = (path) => fetch(`${issuer}${path}`).then((answer) => (answer.ok ? answer.json() : {}))
      for (let looked = 0; looked < 200; looked++) {
        const { scopes_supported } = await read('/.well-known/openid-configuration')
        const { keys } = await read(`/services/${service}/jwks.json`)
        if (scopes_supported?.includes(service) && keys?.length > 0) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`${service} is not served`)
    },
    log: () => log,
    stop: () =>
      new Promise((resolve) => {
        const end = () => {
          rmSync(folder, { recursive: true, force: true })
          resolve()
        }
        if (ended) return end()
        child.on('exit', end)
        child.kill('SIGTERM')
      }),
  }
}
