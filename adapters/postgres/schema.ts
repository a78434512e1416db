/** The tables of the PostgreSQL engine, and the statements on them: each change is one statement. */

/** Names of tables and channels begin with the prefix, which is checked to be a plain identifier. */
export interface Tables {
  readonly records: string
  readonly logs: string
  readonly entries: string
  readonly watches: string
  readonly channel: string
}

export function tablesOf(prefix: string): Tables {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(prefix)) {
    throw new TypeError(`The prefix of postgresStore is a plain identifier, not "${prefix}"`)
  }
  return {
    records: `${prefix}_records`,
    logs: `${prefix}_logs`,
    entries: `${prefix}_entries`,
    watches: `${prefix}_watches`,
    channel: `${prefix}_changes`,
  }
}

/**
 * The statement that makes the tables; it changes nothing where they exist.
 *
 * Values are JSON as text, because `jsonb` refuses `\u0000`. Times are epoch milliseconds. `generation` tells the
 * entries of a log from those of an expired log of the same name. `mcp_watches` names the places that an
 * instance waits for: only their changes are announced, since each announcement takes a global lock.
 */
export function createStatement({ records, logs, entries, watches }: Tables): string {
  return `
CREATE TABLE IF NOT EXISTS ${records} (
  partition text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  value text NOT NULL,
  version bigint NOT NULL,
  expires bigint NOT NULL,
  writer text NOT NULL,
  PRIMARY KEY (partition, name)
);
CREATE INDEX IF NOT EXISTS ${records}_expires ON ${records} (expires);
CREATE TABLE IF NOT EXISTS ${logs} (
  partition text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  last bigint NOT NULL,
  expires bigint NOT NULL,
  PRIMARY KEY (partition, name)
);
CREATE INDEX IF NOT EXISTS ${logs}_expires ON ${logs} (expires);
CREATE TABLE IF NOT EXISTS ${entries} (
  partition text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  first bigint NOT NULL,
  last bigint NOT NULL,
  values text NOT NULL,
  expires bigint NOT NULL,
  writer text NOT NULL,
  PRIMARY KEY (partition, name, generation, first)
);
CREATE INDEX IF NOT EXISTS ${entries}_expires ON ${entries} (expires);
CREATE UNLOGGED TABLE IF NOT EXISTS ${watches} (
  place text COLLATE "C" NOT NULL,
  instance text COLLATE "C" NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (place, instance)
);
`
}

/** Statements with a name, so that the server plans each of them once per connection. */
export interface Statement {
  readonly name: string
  readonly text: string
}

export type Statements = ReturnType<typeof statementsOf>

export function statementsOf({ records, logs, entries, watches, channel }: Tables) {
  const statement = (name: string, text: string): Statement => ({
    name: `${records}_${name}`,
    text,
  })

  /** Announces a change of a watched place, in the same statement; `place` is a parameter. */
  const announce = (change: string, place: string) => `
announced AS (
  SELECT pg_notify('${channel}', ${place}) FROM ${change}
  WHERE EXISTS (SELECT 1 FROM ${watches} WHERE place = ${place} AND until > now())
)`

  return {
    /** Parameters: partition, name, now. */
    get: statement(
      'get',
      `SELECT value, version, expires FROM ${records}
WHERE partition = $1 AND name = $2 AND expires > $3`,
    ),

    /** Parameters: partition, name, value, expires, writer, first version, place. */
    putAny: statement(
      'put_any',
      `WITH changed AS (
  INSERT INTO ${records} AS r (partition, name, value, version, expires, writer)
  VALUES ($1, $2, $3, $6::bigint, $4, $5)
  ON CONFLICT (partition, name) DO UPDATE SET value = excluded.value,
    version = r.version + 1, expires = excluded.expires, writer = excluded.writer
  RETURNING version
), ${announce('changed', '$7::text')}
SELECT version, (SELECT count(*) FROM announced) FROM changed`,
    ),

    /** Parameters as above, and now: only where there is no live record. */
    putNew: statement(
      'put_new',
      `WITH changed AS (
  INSERT INTO ${records} AS r (partition, name, value, version, expires, writer)
  VALUES ($1, $2, $3, $6::bigint, $4, $5)
  ON CONFLICT (partition, name) DO UPDATE SET value = excluded.value,
    version = r.version + 1, expires = excluded.expires, writer = excluded.writer
  WHERE r.expires <= $8
  RETURNING version
), ${announce('changed', '$7::text')}
SELECT version, (SELECT count(*) FROM announced) FROM changed`,
    ),

    /** Parameters: partition, name, value, expires, writer, the version to write over, place, now. */
    putOver: statement(
      'put_over',
      `WITH changed AS (
  UPDATE ${records} SET value = $3, version = version + 1, expires = $4, writer = $5
  WHERE partition = $1 AND name = $2 AND version = $6::bigint AND expires > $8
  RETURNING version
), ${announce('changed', '$7::text')}
SELECT version, (SELECT count(*) FROM announced) FROM changed`,
    ),

    /** Parameters: partition, name. Shows a writer whose answer was lost the current record. */
    lastWriter: statement(
      'last_writer',
      `SELECT version, writer FROM ${records} WHERE partition = $1 AND name = $2`,
    ),

    /** Parameters: partition, name, now, place. */
    delete: statement(
      'delete',
      `WITH changed AS (
  DELETE FROM ${records} WHERE partition = $1 AND name = $2 RETURNING expires
), ${announce('changed', '$4::text')}
SELECT expires > $3 AS existed, (SELECT count(*) FROM announced) FROM changed`,
    ),

    /** Parameters: partition, name, now, expires, count, values, writer, place, generation: a log that is new. */
    appendFirst: statement(
      'append_first',
      `WITH head AS (
  INSERT INTO ${logs} AS l (partition, name, generation, last, expires)
  VALUES ($1, $2, $9::bigint, $5::bigint, $4)
  ON CONFLICT (partition, name) DO UPDATE SET generation = greatest(l.generation + 1, excluded.generation),
    last = excluded.last, expires = excluded.expires
  WHERE l.expires <= $3
  RETURNING generation, last, expires
), added AS (
  INSERT INTO ${entries} (partition, name, generation, first, last, values, expires, writer)
  SELECT $1, $2, generation, 1, last, $6, expires, $7 FROM head
  RETURNING last
), ${announce('added', '$8::text')}
SELECT last, (SELECT count(*) FROM announced) FROM added`,
    ),

    /** Parameters: partition, name, now, expires, count, values, writer, place, after. */
    appendNext: statement(
      'append_next',
      `WITH head AS (
  UPDATE ${logs} SET last = last + $5::bigint, expires = greatest(expires, $4::bigint)
  WHERE partition = $1 AND name = $2 AND last = $9::bigint AND expires > $3
  RETURNING generation, last, expires
), added AS (
  INSERT INTO ${entries} (partition, name, generation, first, last, values, expires, writer)
  SELECT $1, $2, generation, $9::bigint + 1, last, $6, expires, $7 FROM head
  RETURNING last
), ${announce('added', '$8::text')}
SELECT last, (SELECT count(*) FROM announced) FROM added`,
    ),

    /** Parameters: partition, name, now. */
    lastEntry: statement(
      'last_entry',
      `SELECT last FROM ${logs} WHERE partition = $1 AND name = $2 AND expires > $3`,
    ),

    /** Parameters: partition, name, now, first. Tells a writer whose answer was lost who wrote there. */
    batchWriter: statement(
      'batch_writer',
      `SELECT e.writer, e.last FROM ${logs} l JOIN ${entries} e USING (partition, name, generation)
WHERE l.partition = $1 AND l.name = $2 AND l.expires > $3 AND e.first = $4`,
    ),

    /** Parameters: partition, name, now, after, the number of batches at most (null for all). */
    read: statement(
      'read',
      `SELECT e.first, e.values FROM ${logs} l JOIN ${entries} e USING (partition, name, generation)
WHERE l.partition = $1 AND l.name = $2 AND l.expires > $3 AND e.last > $4
ORDER BY e.first LIMIT $5`,
    ),

    /** Parameters: place, instance, seconds. */
    watch: statement(
      'watch',
      `INSERT INTO ${watches} (place, instance, until) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (place, instance) DO UPDATE SET until = excluded.until`,
    ),

    /** Parameters: place, instance. */
    unwatch: statement('unwatch', `DELETE FROM ${watches} WHERE place = $1 AND instance = $2`),

    /** Parameters: partitions, names, positions, now. One row when one of the places has changed. */
    changed: statement(
      'changed',
      `SELECT 1 FROM unnest($1::text[], $2::text[], $3::bigint[]) AS w (partition, name, after)
WHERE EXISTS (SELECT 1 FROM ${records} r WHERE r.partition = w.partition AND r.name = w.name
    AND r.version > w.after AND r.expires > $4)
  OR EXISTS (SELECT 1 FROM ${logs} l WHERE l.partition = w.partition AND l.name = w.name
    AND l.last > w.after AND l.expires > $4)
LIMIT 1`,
    ),

    /**
     * Parameters: the time before which rows have expired, the number of rows at most for each table.
     * One instance sweeps at a time; the others' calls find the lock taken and do nothing.
     */
    sweep: statement(
      'sweep',
      `WITH free AS (SELECT pg_try_advisory_xact_lock(hashtext('${records}')) AS mine),
gone_records AS (
  DELETE FROM ${records} WHERE (SELECT mine FROM free) AND ctid IN (
    SELECT ctid FROM ${records} WHERE expires <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
    AND expires <= $1 RETURNING 1
), gone_entries AS (
  DELETE FROM ${entries} WHERE (SELECT mine FROM free) AND ctid IN (
    SELECT ctid FROM ${entries} e WHERE e.expires <= $1 AND NOT EXISTS (
      SELECT 1 FROM ${logs} l WHERE l.partition = e.partition AND l.name = e.name
        AND l.generation = e.generation AND l.expires > $1) LIMIT $2) RETURNING 1
), gone_logs AS (
  DELETE FROM ${logs} WHERE (SELECT mine FROM free) AND ctid IN (
    SELECT ctid FROM ${logs} l WHERE expires <= $1 AND NOT EXISTS (
      SELECT 1 FROM ${entries} e WHERE e.partition = l.partition AND e.name = l.name
        AND e.generation = l.generation) LIMIT $2 FOR UPDATE SKIP LOCKED)
    AND expires <= $1 RETURNING 1
), gone_watches AS (
  DELETE FROM ${watches} WHERE (SELECT mine FROM free) AND until <= now() RETURNING 1
)
SELECT (SELECT count(*) FROM gone_records) + (SELECT count(*) FROM gone_entries)
  + (SELECT count(*) FROM gone_logs) AS gone`,
    ),
  }
}
