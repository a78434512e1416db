/** Modules that are loaded at their first use. */
import { describe, expect, it } from 'vitest'
import { importAll, lazyImport } from '../../src/lib/lazy-import.ts'

describe('lazyImport', () => {
  it('loads once for callers at the same time, and is synchronous afterwards', async () => {
    let loads = 0
    const load = lazyImport(async () => {
      loads++
      return { value: 'loaded' }
    })
    const both = [load(), load()]
    expect(both[0]).toBe(both[1])
    await Promise.all(both)
    expect(load()).toEqual({ value: 'loaded' })
    expect(loads).toBe(1)
  })

  it('resumes its callers in the order of their calls', async () => {
    const order: number[] = []
    const load = lazyImport(async () => ({}))
    const call = async (n: number) => {
      await load()
      order.push(n)
    }
    await Promise.all([call(1), call(2), call(3)])
    expect(order).toEqual([1, 2, 3])
  })

  it('tries again after a failure', async () => {
    let isMissing = true
    const load = lazyImport(async () => {
      if (isMissing) throw new Error('no such file')
      return { value: 'loaded' }
    })
    await expect(load()).rejects.toThrow('no such file')
    isMissing = false
    expect(await load()).toEqual({ value: 'loaded' })
  })
})

describe('importAll', () => {
  it('loads modules that a loaded module adds, and survives a failure', async () => {
    const loaded: string[] = []
    lazyImport(() => Promise.reject(new Error('no such file')))
    lazyImport(async () => {
      loaded.push('outer')
      lazyImport(async () => loaded.push('inner'))
    })
    await importAll()
    expect(loaded).toEqual(['outer', 'inner'])
  })
})
