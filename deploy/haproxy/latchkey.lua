-- Asks Latchkey whether a request may pass, with `http-request lua.latchkey`. The query of the question is in the variable
-- txn.needed; the answer either says who calls, in the request's headers, or is the end of the request.

local SOCKET = "unix@" .. assert(os.getenv("ASK_SOCKET"), "ASK_SOCKET is not set")
local TOTAL_MS = 500 -- the backend gives up earlier; this is for when it does not

-- What of the caller's head goes along. Each as often as it came: two credentials are a 400.
local PASSED_ON = { "authorization", "x-api-key", "origin", "user-agent" }
local IDENTITY = { "x-key-id", "x-key-name", "x-application-id", "x-key-scopes", "x-customer-id" }
local TOLD = { "content-type", "cache-control", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "x-verify-code" }
local REFUSALS = { [400] = true, [401] = true, [403] = true, [429] = true }

local UNAVAILABLE = '{"type":"about:blank","title":"Service Unavailable","status":503,"code":"UNAVAILABLE",'
    .. '"detail":"It cannot be known now. Try again in a moment."}'

-- All values of a header, as a list that begins at 1. HAProxy's begin at 0.
local function all(headers, name)
    local values = {}
    for place, value in pairs(headers[name] or {}) do
        values[place + 1] = value
    end
    return values
end

local function first(headers, name)
    return all(headers, name)[1]
end

local function question(txn)
    local given = txn.http:req_get_headers()
    local headers = {
        ["host"] = { "latchkey" },
        ["x-original-method"] = { txn.f:method() },
        ["x-original-uri"] = { txn.f:pathq() },
        ["x-forwarded-for"] = { txn.f:src() },
    }
    for _, name in ipairs(PASSED_ON) do
        local values = all(given, name)
        if #values > 0 then
            headers[name] = values
        end
    end
    return {
        url = "http://127.0.0.1/v1/authorize?" .. txn:get_var("txn.needed"),
        dst = SOCKET,
        headers = headers,
        timeout = TOTAL_MS,
    }
end

local function finish(txn, status, headers, body)
    if txn.f:method() == "HEAD" then
        body = ""
    end
    txn:done(txn:reply({ status = status, headers = headers, body = body }))
end

local function refuse(txn, answer)
    local headers = {}
    for _, name in ipairs(TOLD) do
        local values = all(answer.headers, name)
        if #values > 0 then
            headers[name] = values
        end
    end
    finish(txn, answer.status, headers, answer.body)
end

local function unavailable(txn)
    finish(txn, 503, {
        ["content-type"] = { "application/problem+json" },
        ["cache-control"] = { "no-store" },
        ["retry-after"] = { "1" },
        ["x-verify-code"] = { "UNAVAILABLE" },
    }, UNAVAILABLE)
end

local function allow(txn, answer)
    for _, name in ipairs(IDENTITY) do
        local value = first(answer.headers, name)
        txn.http:req_del_header(name)
        if value and value ~= "" then
            txn.http:req_add_header(name, value)
        end
    end
    for variable, name in pairs({ ratelimit = "ratelimit", ratelimit_policy = "ratelimit-policy" }) do
        local value = first(answer.headers, name)
        if value then
            txn:set_var("txn." .. variable, value)
        end
    end
end

core.register_action("latchkey", { "http-req" }, function(txn)
    local went_well, answer = pcall(function()
        return core.httpclient():get(question(txn))
    end)
    local status = went_well and answer and answer.status
    local code = status and answer.headers and first(answer.headers, "x-verify-code")
    if status == 200 and code == "VALID" then
        allow(txn, answer)
    -- What carries no code is not Latchkey's. A gateway token that it refuses is our mistake, not the caller's.
    elseif status and REFUSALS[status] and code and code ~= "UNKNOWN_GATEWAY" then
        refuse(txn, answer)
    else
        unavailable(txn)
    end
end, 0)
