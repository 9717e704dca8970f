-- The foundation. Ids are bare UUIDv7; JSON is kept as text, since jsonb can hold neither NUL nor lone surrogates
-- and does not keep the order of keys. Times are timestamptz. Every row of a tenant carries its organization.

-- `profile` holds the descriptive fields that have no column (JSON object of wire names). `generation` rises with every
-- committed change of what turns are made from, see the triggers at the end.
CREATE TABLE organizations (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  description text,
  profile text NOT NULL DEFAULT '{}',
  owner_id uuid NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  generation bigint NOT NULL DEFAULT 1,
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE users (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations,
  name text NOT NULL,
  email text NOT NULL,
  created_at timestamptz NOT NULL
);

-- A key is stored as the SHA-256 of its text; `prefix` is what people recognise it by.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations,
  user_id uuid NOT NULL REFERENCES users,
  hash bytea NOT NULL UNIQUE,
  prefix text NOT NULL,
  name text NOT NULL,
  scopes text[] NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  is_paused boolean NOT NULL DEFAULT false,
  usage_limit_chf double precision,
  metadata text NOT NULL DEFAULT '{}',
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz,
  expires_at timestamptz,
  deleted_at timestamptz
);
CREATE INDEX api_keys_by_organization ON api_keys (organization_id, created_at);

CREATE TABLE workflows (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations,
  name text NOT NULL,
  description text,
  external_id text,
  version integer NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  triggers_armed boolean NOT NULL DEFAULT false,
  created_by uuid,
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz
);
CREATE UNIQUE INDEX workflows_external_id ON workflows (organization_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX workflows_by_organization ON workflows (organization_id, created_at) WHERE deleted_at IS NULL;

-- The addresses of triggers: those of armed workflows (their newest version), and those at which somebody listens for one
-- request to try a workflow out, for a while. One address is one workflow's, whoever it belongs to, since an address names
-- no organization. `shape` is the path with every parameter as a bare colon, `steps` how many steps it has, `parameters`
-- how many of them are such; `method` is `*` where all are taken; `node` is the node's place in the version.
CREATE TABLE trigger_addresses (
  is_test boolean NOT NULL,
  door text NOT NULL,
  method text NOT NULL,
  shape text NOT NULL,
  path text NOT NULL,
  steps integer NOT NULL,
  parameters integer NOT NULL,
  organization_id uuid NOT NULL REFERENCES organizations,
  workflow_id uuid NOT NULL REFERENCES workflows,
  version integer NOT NULL,
  node integer NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (is_test, door, shape, method)
);
CREATE INDEX trigger_addresses_by_workflow ON trigger_addresses (workflow_id);
CREATE INDEX trigger_addresses_with_parameters ON trigger_addresses (door, steps) WHERE parameters > 0;

-- Every version that ever was. `report` is the verdict on promotion that was computed with it (JSON), see promotion.
CREATE TABLE workflow_versions (
  workflow_id uuid NOT NULL REFERENCES workflows,
  version integer NOT NULL,
  definition text NOT NULL,
  promotable boolean NOT NULL,
  primary_node text,
  report text NOT NULL,
  has_assistant boolean NOT NULL,
  findings_count integer NOT NULL,
  created_by uuid,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workflow_id, version)
);

-- `name_key` is the trimmed, case-folded name; unique among the living. `settings` holds every documented setting that
-- somebody set (JSON object of wire names); what is absent there is inherited from the primary node.
CREATE TABLE assistants (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations,
  name text NOT NULL,
  name_key text NOT NULL,
  description text,
  settings text NOT NULL DEFAULT '{}',
  access_mode text NOT NULL DEFAULT 'private',
  is_active boolean NOT NULL DEFAULT true,
  api_enabled boolean NOT NULL DEFAULT true,
  workflow_id uuid REFERENCES workflows,
  pinned_version integer,
  primary_node text,
  created_by uuid,
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz
);
CREATE UNIQUE INDEX assistants_name ON assistants (organization_id, name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX assistants_workflow ON assistants (workflow_id) WHERE workflow_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX assistants_by_organization ON assistants (organization_id, created_at) WHERE deleted_at IS NULL;

CREATE TABLE audit_logs (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  resource_type text NOT NULL,
  resource_id uuid NOT NULL,
  resource_name text NOT NULL,
  action text NOT NULL,
  user_id uuid,
  user_name text NOT NULL,
  user_email text NOT NULL,
  changes text NOT NULL,
  metadata text NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL
);
CREATE INDEX audit_logs_by_resource ON audit_logs (resource_id, created_at);

-- One row per process incarnation. `low` is the oldest run that it holds lightly (not marked `held`). Since `steady_since`
-- it has beaten without a pause. All times are the database's own.
CREATE TABLE processes (
  id text PRIMARY KEY,
  executor text NOT NULL,
  incarnation bigint NOT NULL,
  beat_at timestamptz NOT NULL,
  steady_since timestamptz NOT NULL DEFAULT now(),
  low uuid,
  dead_at timestamptz
);

-- A conversation. `active_run` is the one turn that runs in it; `queued` counts turns that wait for it to end.
-- A called assistant talks in a hidden thread of its own per (parent thread, node); `pins` (JSON) are the versions of
-- called assistants that were fixed together with the thread's own.
-- `turn` is the number of the newest turn; messages are ordered by (turn, ordinal). `workflow_tag` is the caller's own
-- text, as a rule a workflow's id.
CREATE TABLE threads (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id uuid,
  assistant_id uuid,
  workflow_id uuid,
  workflow_version integer,
  workflow_tag text,
  plain boolean NOT NULL DEFAULT false,
  parent_thread_id uuid,
  parent_node text,
  pins text,
  title text,
  metadata text NOT NULL DEFAULT '{}',
  visible_in_ui boolean NOT NULL DEFAULT true,
  is_pinned boolean NOT NULL DEFAULT false,
  pinned_at timestamptz,
  summary text,
  turn integer NOT NULL DEFAULT 0,
  message_count integer NOT NULL DEFAULT 0,
  active_run uuid,
  queued integer NOT NULL DEFAULT 0,
  last_message_at timestamptz,
  last_model_used text,
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX threads_by_organization ON threads (organization_id, created_at, id);
CREATE INDEX threads_by_assistant ON threads (assistant_id, created_at, id) WHERE assistant_id IS NOT NULL;
CREATE INDEX threads_pinned ON threads (organization_id, pinned_at, id) WHERE is_pinned;
CREATE UNIQUE INDEX threads_by_parent ON threads (parent_thread_id, parent_node) WHERE parent_thread_id IS NOT NULL;
-- Its condition names no column that every turn changes: with `active_run` in it, no update of a thread was HOT.
CREATE INDEX threads_to_release ON threads (id) WHERE queued > 0;

-- `content` and `tool_calls` are JSON text. A message that an edit or a deletion removed keeps its row. `is_failed` marks
-- the empty answer of a turn that failed: such turns are left out of later context.
CREATE TABLE messages (
  thread_id uuid NOT NULL,
  turn integer NOT NULL,
  ordinal integer NOT NULL,
  id uuid NOT NULL,
  run_id uuid,
  role text NOT NULL,
  content text NOT NULL,
  tool_calls text,
  tool_call_id text,
  metadata text,
  is_failed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz,
  deleted_at timestamptz,
  PRIMARY KEY (thread_id, turn, ordinal)
);

-- A run. A row under way has an owner and no `due_at`; a queued, woken or timed one has `due_at`. `woken`: something was
-- brought to the run that it has not looked at; while it works it cannot be due, and is as soon as it comes to rest.
-- Nothing needs an index on `status`; fillfactor leaves room for HOT updates.
CREATE TABLE runs (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  workflow_id uuid,
  workflow_version integer,
  assistant_id uuid,
  thread_id uuid,
  turn integer,
  parent_run_id uuid,
  retry_of uuid,
  status text NOT NULL,
  mode text NOT NULL,
  owner text,
  epoch integer NOT NULL DEFAULT 1,
  seq bigint NOT NULL DEFAULT 0,
  held boolean NOT NULL DEFAULT false,
  due_at timestamptz,
  woken boolean NOT NULL DEFAULT false,
  cancel_mark text,
  request_hash text,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  usage text,
  result text
) WITH (fillfactor = 60);
CREATE INDEX runs_held ON runs (owner) WHERE held;
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_by_thread ON runs (thread_id, turn) WHERE thread_id IS NOT NULL;
CREATE INDEX runs_by_workflow ON runs (workflow_id, id) WHERE workflow_id IS NOT NULL;
CREATE INDEX runs_by_assistant ON runs (assistant_id, id) WHERE assistant_id IS NOT NULL;

-- One row per append: the first number that it takes, how many, and the events as a JSON array.
CREATE TABLE events (
  run_id uuid NOT NULL,
  seq bigint NOT NULL,
  n integer NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (run_id, seq)
);

-- Files of runs, apart from their events. Each content of an organization is there once, under its SHA-256, neither inline
-- nor compressed, so that a part can be read by itself. `loose`: a run had it and has it no more; perhaps nobody has.
CREATE TABLE binaries (
  organization_id uuid NOT NULL REFERENCES organizations,
  hash bytea NOT NULL,
  size bigint NOT NULL,
  content bytea NOT NULL,
  loose boolean NOT NULL DEFAULT false,
  used_at timestamptz NOT NULL,
  PRIMARY KEY (organization_id, hash)
);
ALTER TABLE binaries ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX binaries_loose ON binaries (used_at) WHERE loose;

-- Runs that fail and whose failure starts another run: kept before the failure is, removed once the other run is there.
-- `error_run_id` is the run that was to be started last.
CREATE TABLE error_notices (
  run_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  error_run_id uuid,
  noted_at timestamptz NOT NULL
);

-- Which runs have a file, under which name. A run gets its files before it is stored.
CREATE TABLE run_binaries (
  run_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  hash bytea NOT NULL,
  mime_type text NOT NULL,
  file_name text,
  kept_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, hash),
  FOREIGN KEY (organization_id, hash) REFERENCES binaries
);
CREATE INDEX run_binaries_by_content ON run_binaries (organization_id, hash);
CREATE INDEX run_binaries_by_age ON run_binaries (kept_at);

-- What memory nodes keep of conversations that are not those of threads. `place`: the execution that added the turn, so that
-- it is there once. Rows of a workflow that is gone mean nothing.
CREATE TABLE chat_memory_turns (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations,
  workflow_id uuid NOT NULL,
  session_key text NOT NULL,
  place text NOT NULL,
  question text NOT NULL,
  answer text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX chat_memory_turns_place ON chat_memory_turns (place);
CREATE INDEX chat_memory_turns_by_session ON chat_memory_turns (organization_id, workflow_id, session_key, id);

-- What runs wait for: one record each, which the first answer, its time or the run's end closes. `ordinal` is the place of
-- its question among the messages of the turn. Schema, choices, details and answer are JSON. `response_id` is the response
-- that goes on with the answer.
CREATE TABLE pauses (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  run_id uuid NOT NULL,
  thread_id uuid,
  turn integer,
  node text NOT NULL,
  iteration integer NOT NULL,
  kind text NOT NULL,
  audience text NOT NULL,
  title text,
  message text,
  schema text,
  choices text,
  details text NOT NULL,
  ordinal integer,
  status text NOT NULL DEFAULT 'open',
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  answered_at timestamptz,
  answered_by text,
  answered_via text,
  answer text,
  reply_message_id uuid,
  response_id uuid
) WITH (fillfactor = 80);
CREATE INDEX pauses_by_run ON pauses (run_id);
CREATE INDEX pauses_by_organization ON pauses (organization_id, id);
CREATE INDEX pauses_open_by_thread ON pauses (thread_id) WHERE status = 'open' AND thread_id IS NOT NULL;

-- One answer of the API to one segment of a run. The segment begins at `first_seq` in the run's log, or after it: the
-- response to an answer is there before the run goes on. `usage` and `result` are there where it ended with a question;
-- of the last one they are the run's.
CREATE TABLE responses (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  run_id uuid NOT NULL,
  first_seq bigint NOT NULL,
  usage text,
  result text
);
CREATE INDEX responses_by_run ON responses (run_id);

-- Turns that failed a moment ago, by the digest of their request: clients repeat such a request by themselves, and the
-- second try takes the place of the first. Rows older than a minute mean nothing.
CREATE TABLE failed_turns (
  organization_id uuid NOT NULL,
  request_hash bytea NOT NULL,
  thread_id uuid NOT NULL,
  turn integer NOT NULL,
  failed_at timestamptz NOT NULL,
  PRIMARY KEY (organization_id, request_hash)
);
CREATE INDEX failed_turns_by_age ON failed_turns (failed_at);

-- A stored first answer per (organization, key, method, path). `run_id` is set for calls that start a run.
CREATE TABLE idempotency_keys (
  organization_id uuid NOT NULL,
  key text NOT NULL,
  method text NOT NULL,
  path text NOT NULL,
  body_hash bytea NOT NULL,
  status integer,
  headers text,
  answer text,
  run_id uuid,
  response_id uuid,
  secret_id text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (organization_id, key, method, path)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Model keys of providers set through the API, encrypted.
CREATE TABLE provider_keys (
  organization_id uuid NOT NULL,
  provider text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  secret bytea,
  provider_org_id text,
  provider_project_id text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (organization_id, provider)
);

-- Credentials, encrypted for their organization and id. `name_key` is the trimmed, case-folded name. Deleted for good.
CREATE TABLE credentials (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations,
  name text NOT NULL,
  name_key text NOT NULL,
  type text NOT NULL,
  secret bytea NOT NULL,
  allowed_hosts text[],
  created_by uuid,
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX credentials_name ON credentials (organization_id, type, name_key);
CREATE INDEX credentials_by_organization ON credentials (organization_id, created_at);

-- One row, from the moment at which the first secret is kept: a text that the store's secret key sealed. Whoever cannot
-- open it has another key.
CREATE TABLE secret_key_checks (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  value bytea NOT NULL
);

-- A process keeps what it needs for turns (keys, assistants, workflow versions, provider keys) in memory, together with
-- the generation under which it was read; the statement that starts a turn compares the two, so that nothing stale is
-- ever acted on. The triggers are deferred to the commit: there the row of the organization is the last one locked, so
-- that they cannot deadlock with the locks of the transaction itself.
CREATE FUNCTION raise_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE organizations SET generation = generation + 1 WHERE id = NEW.organization_id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER raise_generation AFTER UPDATE ON assistants
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_generation();
CREATE CONSTRAINT TRIGGER raise_generation AFTER UPDATE ON workflows
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_generation();
-- The time of a key's last use is no change of the key.
CREATE CONSTRAINT TRIGGER raise_generation AFTER UPDATE ON api_keys
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.revision <> NEW.revision) EXECUTE FUNCTION raise_generation();
CREATE CONSTRAINT TRIGGER raise_generation AFTER INSERT OR UPDATE ON provider_keys
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_generation();
