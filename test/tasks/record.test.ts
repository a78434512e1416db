/** The record of a task that two runners have read. */
import { expect, it } from 'vitest'
import type { JsonValue } from '../../src/index.ts'
import { memoryStore } from '../../src/index.ts'
import { readTask, TaskState } from '../../src/tasks/record.ts'
import type { TaskRecord } from '../../src/tasks/task.ts'
import { taskKeys } from '../../src/tasks/task.ts'

it('a runner does not park a task that another one has parked meanwhile', async () => {
  const store = memoryStore()
  const ref = { owner: 'ann', id: 'task' }
  const now = Date.now()
  const record: TaskRecord = {
    tool: 'work',
    version: '1',
    status: 'working',
    createdAt: now,
    updatedAt: now,
    ttl: 60_000,
    turns: 0,
    due: now,
  }
  await store.put(taskKeys(ref).record, record as unknown as JsonValue, { expiresAt: now + 60_000 })
  const open = async () => {
    const stored = await readTask(store, ref)
    if (!stored) throw new Error('The task is gone')
    return new TaskState({ store, clock: Date.now }, ref, stored, () => {})
  }
  const [first, second] = [await open(), await open()]
  const parked = { questions: new Map(), yielded: false }
  await first.park({ ...parked, sleepsUntil: now + 10_000 }, new Set())
  expect(await second.park({ ...parked, sleepsUntil: now + 50_000 }, new Set())).toBe('lost')
  expect((await readTask(store, ref))?.value).toMatchObject({ turns: 1, due: now + 10_000 })
})
