/** One entry of the catalogue: what a client may rely on about an error code. */
interface ErrorKind {
  /** HTTP status of the answer. */
  status: number;
  /** Short, constant summary (RFC 9457 `title`). */
  title: string;
  /** Whether the same request may succeed later without a change. */
  retryable: boolean;
}

/** Every error that API and board answer with. A new error is a line here, nowhere else. */
export const errorCatalogue = {
  invalid_json: { status: 400, title: 'The body is not valid JSON', retryable: false },
  invalid_csv: { status: 400, title: 'The body is not valid CSV', retryable: false },
  invalid_request: { status: 400, title: 'The request does not match its schema', retryable: false },
  invalid_idempotency_key: { status: 400, title: 'The idempotency key is not usable', retryable: false },
  malformed_request: { status: 400, title: 'The request is not well-formed HTTP', retryable: false },
  unauthorized: { status: 401, title: 'Valid credentials are required', retryable: false },
  invalid_signature: { status: 401, title: 'The signature is missing, wrong or too old', retryable: false },
  login_failed: { status: 401, title: 'E-mail or password is wrong', retryable: false },
  login_required: { status: 401, title: 'A login is required', retryable: false },
  action_refused: { status: 403, title: 'The board does not do this', retryable: false },
  cross_site: { status: 403, title: 'The request comes from another site', retryable: false },
  forbidden: { status: 403, title: 'The credentials do not allow this', retryable: false },
  not_found: { status: 404, title: 'There is nothing here', retryable: false },
  project_not_found: { status: 404, title: 'The project is unknown or archived', retryable: false },
  invitation_not_found: {
    status: 404,
    title: 'The invitation is unknown, used, revoked or expired',
    retryable: false,
  },
  method_not_allowed: { status: 405, title: 'The method is not allowed here', retryable: false },
  request_timeout: { status: 408, title: 'The request took too long to arrive', retryable: true },
  account_exists: { status: 409, title: 'There is an account with this address', retryable: false },
  last_owner: { status: 409, title: 'The last owner must stay one', retryable: false },
  api_key_ended: { status: 409, title: 'The API key is no longer good, or was rotated', retryable: false },
  template_exists: { status: 409, title: 'There is a template of this key already', retryable: false },
  revision_conflict: { status: 409, title: 'Somebody else has changed it meanwhile', retryable: false },
  no_draft: { status: 409, title: 'The template has no draft', retryable: false },
  not_published: { status: 409, title: 'The version was never published', retryable: false },
  job_moved: { status: 409, title: 'The job is no longer where it was', retryable: false },
  not_replayable: { status: 409, title: 'The message cannot be sent again', retryable: false },
  provider_name_taken: { status: 409, title: 'There is a provider of this name', retryable: false },
  provider_in_use: { status: 409, title: 'A route names the provider', retryable: false },
  too_many_providers: { status: 409, title: 'The project has as many providers as it may', retryable: false },
  unknown_provider: { status: 422, title: 'There is no such provider of this channel', retryable: false },
  invalid_provider: { status: 422, title: 'The settings of the provider cannot be used', retryable: false },
  project_key_taken: { status: 409, title: 'There is a project with this key', retryable: false },
  project_not_archivable: { status: 409, title: 'The project cannot be archived', retryable: false },
  body_too_large: { status: 413, title: 'The body is too large', retryable: false },
  unsupported_media_type: { status: 415, title: 'The body must be plain JSON in UTF-8', retryable: false },
  headers_too_large: { status: 431, title: 'The headers are too large', retryable: false },
  idempotency_key_reused: {
    status: 422,
    title: 'The idempotency key was used with another request',
    retryable: false,
  },
  recipient_not_found: { status: 422, title: 'The recipient is unknown', retryable: false },
  template_not_found: { status: 422, title: 'The template is unknown', retryable: false },
  channel_without_content: { status: 422, title: 'There is no content for the channel', retryable: false },
  invalid_variables: { status: 422, title: 'The data does not fit the template', retryable: false },
  invalid_template: { status: 422, title: 'The content is not a valid template', retryable: false },
  category_required: { status: 422, title: 'The category cannot be opted out of', retryable: false },
  too_many_categories: { status: 422, title: 'The project has too many categories', retryable: false },
  too_many_preferences: { status: 422, title: 'Too many preferences are on record', retryable: false },
  too_many_devices: { status: 422, title: 'The recipient has too many devices', retryable: false },
  weak_password: { status: 422, title: 'The password is too easy to guess', retryable: false },
  wrong_password: { status: 422, title: 'The current password is wrong', retryable: false },
  invalid_time: { status: 422, title: 'The time is not usable', retryable: false },
  event_id_reused: { status: 422, title: 'The event id was used for another event', retryable: false },
  invalid_event_data: { status: 422, title: 'The data does not fit the type of event', retryable: false },
  reserved_event_type: { status: 422, title: 'Only Tidings tells of this type', retryable: false },
  invalid_event_schema: { status: 422, title: 'The schema cannot be used', retryable: false },
  invalid_cloud_event: { status: 400, title: 'It is not a CloudEvent that can be taken', retryable: false },
  too_many_event_types: { status: 422, title: 'The project has too many types of events', retryable: false },
  subscription_name_taken: { status: 409, title: 'There is a consumer of this name', retryable: false },
  invalid_subscription: { status: 422, title: 'The consumer cannot be as described', retryable: false },
  too_many_subscriptions: { status: 422, title: 'The project has too many consumers', retryable: false },
  not_a_webhook: { status: 409, title: 'Only webhooks are signed', retryable: false },
  not_testable: { status: 409, title: 'A rule that notifies cannot be tested like this', retryable: false },
  not_resendable: { status: 409, title: 'The copy has not ended, or its event is gone', retryable: false },
  rate_limited: { status: 429, title: 'Too many requests', retryable: true },
  internal: { status: 500, title: 'Something went wrong on our side', retryable: true },
  queue_unavailable: { status: 503, title: 'The queue does not answer right now', retryable: true },
  overloaded: { status: 503, title: 'Nothing more is accepted right now', retryable: true },
  unavailable: { status: 503, title: 'The service cannot store anything right now', retryable: true },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCatalogue;

/** Where in the request the fault is (RFC 6901 JSON pointer) and what it is. */
export interface ErrorDetail {
  pointer: string;
  detail: string;
}

/** The one error class of API and board: everything else that is thrown is a bug and answers `internal`. */
export class TidingsError extends Error {
  readonly code: ErrorCode;
  readonly errors: ErrorDetail[];
  /** Extra response headers, such as `Retry-After` (seconds) or `Allow`. */
  readonly headers: Record<string, string>;

  constructor(
    code: ErrorCode,
    options: {
      detail?: string;
      errors?: ErrorDetail[];
      headers?: Record<string, string>;
      cause?: unknown;
    } = {},
  ) {
    const errors = (options.errors ?? []).map(({ pointer, detail }) => ({
      pointer: shortened(pointer),
      detail: shortened(detail),
    }));
    super(shortened(options.detail ?? describeFirst(errors) ?? errorCatalogue[code].title), {
      cause: options.cause,
    });
    this.name = 'TidingsError';
    this.code = code;
    this.errors = errors;
    this.headers = options.headers ?? {};
  }
}

const longestText = 1000;

/** Pointers and details may quote the request: an answer must not grow with what it refuses. */
function shortened(text: string): string {
  if (text.length <= longestText) return text;
  // Half an escape or half a surrogate pair at the cut would make it neither a pointer nor a text.
  return `${text.slice(0, longestText).toWellFormed().replace(/~$/, '')}…`;
}

/** The first fault in one line, so that whoever logs only the message knows where to look. */
function describeFirst(errors: ErrorDetail[]): string | undefined {
  const [first, ...others] = errors;
  if (first === undefined) return undefined;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return `${first.pointer || 'The body'} ${first.detail}${more}`;
}

/** RFC 9457 document: the body of every answer of 400 and above. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  requestId: string;
  errors?: ErrorDetail[];
}

/** The problem document of an error. */
export function toProblem(error: TidingsError, requestId: string): Problem {
  const { status, title } = errorCatalogue[error.code];
  return {
    type: `urn:tidings:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    requestId,
    ...(error.errors.length > 0 && { errors: error.errors }),
  };
}
