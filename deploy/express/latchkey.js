// Express middleware: asks Latchkey whether the caller's key may do this, and fails closed.
//
//   const { needs } = latchkey({ urls: ["http://10.0.0.11:8080"], token: process.env.GATEWAY_TOKEN });
//   app.get("/orders", needs("orders:read"), (req, res) => res.json({ for: req.key.applicationId }));

// Latchkey answers within 150 ms whatever happens to its database. Each node gets this long, so two of them half a second.
const PATIENCE_MS = 250;

export function latchkey({ urls, token }) {
  // fetch keeps connections open by itself. A question that failed has spent nothing, so asking the next node is safe.
  async function ask(question) {
    for (const url of urls) {
      try {
        const answer = await fetch(new URL("/v1/verify", url), {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify(question),
          redirect: "error",
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        const body = await answer.json();
        // 400 is about the request, such as a key in its query string. Anything else (503, our token refused) is about us.
        const isOurs = typeof body.code === "string" && Number.isInteger(body.status);
        const isVerdict = answer.status === 200 && typeof body.valid === "boolean";
        if (isOurs && (isVerdict || answer.status === 400)) return { body, headers: answer.headers };
      } catch {
        // Away, too slow, or not Latchkey: the next one.
      }
    }
    return null;
  }

  const needs = (...scopes) => async (req, res, next) => {
    const credential = presented(req);
    if (!credential) return problem(res, 400, "BAD_REQUEST", "Send one credential, once.");
    const answer = await ask({
      ...credential,
      scopes,
      ip: req.ip, // behind a proxy: app.set("trust proxy", …), or every caller has the proxy's address
      origin: req.get("origin"),
      method: req.method,
      path: req.originalUrl,
    });
    if (!answer) {
      res.set("retry-after", "1");
      return problem(res, 503, "UNAVAILABLE", "It cannot be known now. Try again in a moment.");
    }
    for (const name of ["ratelimit", "ratelimit-policy", "retry-after"]) {
      if (answer.headers.has(name)) res.set(name, answer.headers.get(name));
    }
    const { body } = answer;
    if (body.valid !== true) {
      const challenge = challengeFor(body, scopes);
      if (challenge) res.set("www-authenticate", challenge);
      return problem(res, body.status, body.code, body.message ?? body.detail);
    }
    req.key = { id: body.key_id, name: body.name, applicationId: body.application_id, scopes: body.scopes };
    next();
  };
  return { needs };
}

// The credential as it came; null for more than one, of which nobody knows which is meant.
function presented(req) {
  const authorization = req.headersDistinct.authorization ?? [];
  const apiKey = req.headersDistinct["x-api-key"] ?? [];
  if (authorization.length + apiKey.length > 1) return null;
  if (apiKey.length) return { key: apiKey[0] };
  if (!authorization.length) return {};
  const [, scheme, rest] = /^(\S*)\s*(.*)$/.exec(authorization[0]);
  if (scheme.toLowerCase() === "basic") return { basic: rest };
  return { key: scheme.toLowerCase() === "bearer" ? rest : authorization[0] };
}

function challengeFor({ status, code, message }, scopes) {
  const realm = 'Bearer realm="api"';
  if (code === "MISSING_KEY") return realm;
  if (code === "INSUFFICIENT_SCOPE") return `${realm}, error="insufficient_scope", scope="${scopes.join(" ")}"`;
  return status === 401 ? `${realm}, error="invalid_token", error_description="${message}"` : null;
}

function problem(res, status, code, detail) {
  res.setHeader("cache-control", "no-store");
  res.setHeader("content-type", "application/problem+json");
  res.status(status).send(Buffer.from(JSON.stringify({ type: "about:blank", status, code, detail })));
}
