// The tables as `migrations/` leaves them.

diesel::table! {
    settings (one_row) {
        one_row -> Bool,
        preset -> Nullable<Text>,
        product_name -> Text,
        keys_section -> Text,
        keys_title -> Text,
        create_label -> Text,
        new_key_all_permissions -> Bool,
        managers_may_revoke -> Bool,
        managers_may_regenerate -> Bool,
        default_lifetime_days -> Int4,
        keys_path -> Text,
        api_url -> Text,
        logs_accepted -> Bool,
        logs_per_second -> Int4,
        logs_kept_days -> Int4,
        notices_off -> Array<Text>,
    }
}

diesel::table! {
    users (id) {
        id -> Int8,
        email -> Text,
        name -> Text,
        role -> Text,
        password_hash -> Nullable<Text>,
        created_at -> Timestamptz,
        session_stamp -> Int4,
        disabled_at -> Nullable<Timestamptz>,
        time_zone -> Text,
        mode -> Nullable<Text>,
        notices_read_to -> Int8,
        kinds_not_mailed -> Array<Text>,
    }
}

diesel::table! {
    api_access (id) {
        id -> Int8,
        user_id -> Int8,
        granted_by -> Nullable<Int8>,
        granted_at -> Timestamptz,
        withdrawn_by -> Nullable<Int8>,
        withdrawn_at -> Nullable<Timestamptz>,
        all_environments -> Bool,
        all_permissions -> Bool,
    }
}

diesel::table! {
    one_time_links (token_hash) {
        token_hash -> Bytea,
        purpose -> Text,
        user_id -> Nullable<Int8>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (id_hash) {
        id_hash -> Bytea,
        user_id -> Nullable<Int8>,
        state -> Jsonb,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    environments (id) {
        id -> Int8,
        slug -> Text,
        name -> Text,
        prefix -> Text,
        mode -> Text,
        position -> Int4,
        retired_at -> Nullable<Timestamptz>,
        longest_days -> Nullable<Int4>,
        allows_never -> Bool,
    }
}

diesel::table! {
    sections (id) {
        id -> Int8,
        slug -> Text,
        name -> Text,
        position -> Int4,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    permissions (id) {
        id -> Int8,
        section_id -> Int8,
        slug -> Text,
        label -> Text,
        description -> Text,
        access -> Text,
        publishable -> Bool,
        position -> Int4,
        retired_at -> Nullable<Timestamptz>,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    applications (id) {
        id -> Int8,
        app_id -> Text,
        name -> Text,
        name_skeleton -> Text,
        secret_hash -> Bytea,
        secret_created_at -> Timestamptz,
        created_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        secret_last_used_at -> Nullable<Timestamptz>,
        archived_at -> Nullable<Timestamptz>,
        recoverable_since -> Nullable<Timestamptz>,
        manages_keys_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    customers (id) {
        id -> Int8,
        external_id -> Text,
        created_at -> Timestamptz,
        name -> Text,
    }
}

diesel::table! {
    keys (id) {
        id -> Int8,
        public_key -> Text,
        name -> Text,
        name_skeleton -> Text,
        note -> Text,
        application_id -> Int8,
        environment_id -> Int8,
        owner_id -> Nullable<Int8>,
        all_permissions -> Bool,
        allowed_ips -> Array<Cidr>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        revoke_reason -> Nullable<Text>,
        deleted_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        version -> Int4,
        excluded_ips -> Array<Cidr>,
        allowed_origins -> Array<Text>,
        name_folded -> Text,
        expiry_set_at -> Nullable<Timestamptz>,
        permissions_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    key_secrets (id) {
        id -> Int8,
        key_id -> Int8,
        hash -> Bytea,
        masked -> Text,
        created_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
        sealed -> Nullable<Bytea>,
    }
}

diesel::table! {
    key_sections (key_id, section_id) {
        key_id -> Int8,
        section_id -> Int8,
    }
}

diesel::table! {
    key_permissions (key_id, permission_id) {
        key_id -> Int8,
        permission_id -> Int8,
    }
}

diesel::table! {
    key_limits (key_id, per_seconds) {
        key_id -> Int8,
        per_seconds -> Int4,
        requests -> Int4,
    }
}

diesel::table! {
    key_customers (key_id, customer_id) {
        key_id -> Int8,
        customer_id -> Int8,
    }
}

diesel::table! {
    key_drafts (id) {
        id -> Uuid,
        user_id -> Int8,
        fields -> Jsonb,
        updated_at -> Timestamptz,
        key_id -> Nullable<Int8>,
    }
}

diesel::table! {
    gateways (id) {
        id -> Int8,
        name -> Text,
        name_skeleton -> Text,
        environment_id -> Int8,
        token_hash -> Bytea,
        masked -> Text,
        created_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_contact_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Int8,
        at -> Timestamptz,
        actor_id -> Nullable<Int8>,
        actor -> Text,
        ip -> Nullable<Inet>,
        request_id -> Nullable<Uuid>,
        action -> Text,
        subject -> Text,
        subject_name -> Text,
        details -> Jsonb,
        previous_hash -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_incoming (xid, id) {
        xid -> Int8,
        id -> Int8,
        at -> Timestamptz,
        actor_id -> Nullable<Int8>,
        actor -> Text,
        ip -> Nullable<Inet>,
        request_id -> Nullable<Uuid>,
        action -> Text,
        subject -> Text,
        subject_name -> Text,
        details -> Jsonb,
    }
}

diesel::table! {
    usage_minutes (key_id, minute, code) {
        key_id -> Int8,
        minute -> Timestamptz,
        code -> Text,
        requests -> Int8,
    }
}

diesel::table! {
    usage_journal (id) {
        id -> Int8,
        part -> Int2,
        due_at -> Timestamptz,
        minute -> Timestamptz,
        code -> Text,
        key_ids -> Array<Int8>,
        requests -> Array<Int8>,
        last_millis -> Array<Int4>,
    }
}

diesel::table! {
    secret_callers (secret_id, caller) {
        secret_id -> Int8,
        caller -> Text,
        requests -> Int8,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    api_access_environments (access_id, environment_id) {
        access_id -> Int8,
        environment_id -> Int8,
    }
}

diesel::table! {
    api_access_sections (access_id, section_id) {
        access_id -> Int8,
        section_id -> Int8,
    }
}

diesel::table! {
    api_access_permissions (access_id, permission_id) {
        access_id -> Int8,
        permission_id -> Int8,
    }
}

diesel::table! {
    key_resets (id) {
        id -> Uuid,
        user_id -> Nullable<Int8>,
        at -> Timestamptz,
        application_id -> Int8,
        environment_id -> Int8,
    }
}

diesel::table! {
    changes (id) {
        id -> Int8,
        xid -> Int8,
        at -> Timestamptz,
        what -> Text,
        row_id -> Int8,
        status -> Nullable<Text>,
    }
}

diesel::table! {
    nodes (id) {
        id -> Uuid,
        name -> Text,
        address -> Text,
        version -> Text,
        started_at -> Timestamptz,
        seen_at -> Timestamptz,
        began -> Text,
        applied -> Text,
        cached_keys -> Int8,
        limits -> Text,
    }
}

diesel::table! {
    change_receipts (change_id, node_id) {
        change_id -> Int8,
        node_id -> Uuid,
        applied_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (id) {
        id -> Int8,
        kind -> Text,
        title -> Text,
        payload -> Jsonb,
        dedupe_key -> Nullable<Text>,
        starter -> Text,
        user_id -> Nullable<Int8>,
        application_id -> Nullable<Int8>,
        ip -> Nullable<Inet>,
        request_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        run_at -> Timestamptz,
        attempts -> Int4,
        failures -> Int4,
        leased_by -> Nullable<Uuid>,
        leased_until -> Nullable<Timestamptz>,
        began_at -> Nullable<Timestamptz>,
        progress_done -> Int8,
        progress_total -> Nullable<Int8>,
        progress_text -> Text,
        resume -> Nullable<Jsonb>,
        cancel_requested_at -> Nullable<Timestamptz>,
        cancel_requested_by -> Nullable<Text>,
        ended_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        summary -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    job_attempts (job_id, number) {
        job_id -> Int8,
        number -> Int4,
        node -> Text,
        began_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    job_files (job_id, part) {
        job_id -> Int8,
        part -> Int4,
        content -> Bytea,
    }
}

diesel::table! {
    job_downloads (job_id) {
        job_id -> Int8,
        name -> Text,
        media_type -> Text,
        bytes -> Int8,
        rows -> Int8,
        made_at -> Timestamptz,
        gone_at -> Timestamptz,
        for_administrators -> Bool,
    }
}

diesel::table! {
    leak_partners (id) {
        id -> Int8,
        name -> Text,
        key_id -> Text,
        public_key -> Bytea,
        policy -> Text,
        created_at -> Timestamptz,
        created_by -> Nullable<Int8>,
        removed_at -> Nullable<Timestamptz>,
        last_report_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    job_schedules (kind) {
        kind -> Text,
        next_at -> Timestamptz,
    }
}

diesel::table! {
    leak_reports (id) {
        id -> Int8,
        key_id -> Nullable<Int8>,
        secret_id -> Nullable<Int8>,
        application_id -> Nullable<Int8>,
        gateway_id -> Nullable<Int8>,
        partner_id -> Nullable<Int8>,
        reported_by -> Nullable<Int8>,
        reporter -> Text,
        url -> Text,
        source -> Text,
        worked -> Bool,
        outcome -> Text,
        at -> Timestamptz,
        last_at -> Timestamptz,
        times -> Int4,
        dismissed_at -> Nullable<Timestamptz>,
        dismissed_by -> Nullable<Int8>,
    }
}

diesel::table! {
    request_logs (at, id) {
        at -> Timestamptz,
        id -> Uuid,
        key_id -> Nullable<Int8>,
        application_id -> Nullable<Int8>,
        environment_id -> Int8,
        gateway_id -> Int8,
        stands_for -> Int4,
        took_micros -> Int4,
        code -> Text,
        ip -> Nullable<Inet>,
        endpoint -> Text,
        method -> Text,
        path -> Text,
        customer -> Nullable<Text>,
        agent -> Text,
        detail -> Text,
        scopes -> Array<Text>,
    }
}

diesel::table! {
    request_log_gaps (minute, reason) {
        minute -> Timestamptz,
        reason -> Text,
        requests -> Int8,
    }
}

diesel::table! {
    usage_hours (key_id, hour, code) {
        key_id -> Int8,
        hour -> Timestamptz,
        code -> Text,
        requests -> Int8,
    }
}

diesel::table! {
    usage_days (key_id, day, code) {
        key_id -> Int8,
        day -> Timestamptz,
        code -> Text,
        requests -> Int8,
    }
}

diesel::table! {
    usage_counts (key_id, at, code) {
        key_id -> Nullable<Int8>,
        at -> Nullable<Timestamptz>,
        code -> Nullable<Text>,
        requests -> Nullable<Int8>,
    }
}

diesel::table! {
    usage_totals_minutes (minute, environment_id, code) {
        minute -> Timestamptz,
        environment_id -> Int8,
        code -> Text,
        requests -> Int8,
    }
}

diesel::table! {
    usage_totals_hours (hour, environment_id, code) {
        hour -> Timestamptz,
        environment_id -> Int8,
        code -> Text,
        requests -> Int8,
    }
}

diesel::table! {
    usage_progress (one_row) {
        one_row -> Bool,
        totalled_until -> Timestamptz,
        hours_from -> Timestamptz,
        days_from -> Timestamptz,
        log_read_until -> Timestamptz,
        log_looked_at -> Timestamptz,
        permissions_since -> Timestamptz,
        permissions_missed_at -> Timestamptz,
    }
}

diesel::table! {
    key_uses (day, key_id, kind, value) {
        day -> Date,
        key_id -> Int8,
        kind -> Text,
        value -> Text,
        accepted -> Int8,
        refused -> Int8,
        is_about -> Bool,
        last_accepted_at -> Nullable<Timestamptz>,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    key_permissions_used (key_id, permission_id) {
        key_id -> Int8,
        permission_id -> Int8,
        last_used_at -> Timestamptz,
        requests -> Int8,
    }
}

diesel::table! {
    keys_sampled (key_id) {
        key_id -> Int8,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    idempotent_requests (application_id, idempotency_key) {
        application_id -> Int8,
        idempotency_key -> Text,
        public_key -> Text,
        overlap -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    notices (id) {
        id -> Int8,
        kind -> Text,
        at -> Timestamptz,
        key_id -> Nullable<Int8>,
        owner_id -> Nullable<Int8>,
        leak_report_id -> Nullable<Int8>,
        occasion -> Text,
        details -> Jsonb,
    }
}

diesel::table! {
    key_first_uses (key_id) {
        key_id -> Int8,
    }
}

diesel::table! {
    notices_progress (one_row) {
        one_row -> Bool,
        since -> Timestamptz,
        looked_at -> Timestamptz,
    }
}

diesel::table! {
    notice_outbox (channel, notice_id) {
        notice_id -> Int8,
        channel -> Text,
    }
}

diesel::table! {
    notice_mails (id) {
        id -> Int8,
        user_id -> Int8,
        notice_ids -> Array<Int8>,
        more -> Int8,
        created_at -> Timestamptz,
        attempts -> Int4,
        next_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        ended_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Int8,
        url -> Text,
        kinds -> Array<Text>,
        nonce -> Bytea,
        secret_hash -> Bytea,
        secret_made_at -> Timestamptz,
        old_nonce -> Nullable<Bytea>,
        old_secret_hash -> Nullable<Bytea>,
        old_until -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        disabled_why -> Nullable<Text>,
        failing_since -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        created_by -> Nullable<Int8>,
        removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Int8,
        webhook_id -> Int8,
        notice_id -> Nullable<Int8>,
        message_id -> Text,
        event -> Text,
        body -> Text,
        created_at -> Timestamptz,
        attempts -> Int4,
        tries -> Int4,
        next_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_attempts (delivery_id, number) {
        delivery_id -> Int8,
        number -> Int4,
        at -> Timestamptz,
        took_ms -> Int4,
        status -> Nullable<Int4>,
        error -> Nullable<Text>,
        answer -> Text,
    }
}

diesel::joinable!(change_receipts -> changes (change_id));
diesel::joinable!(secret_callers -> key_secrets (secret_id));
diesel::joinable!(api_access_environments -> api_access (access_id));
diesel::joinable!(api_access_environments -> environments (environment_id));
diesel::joinable!(api_access_sections -> api_access (access_id));
diesel::joinable!(api_access_sections -> sections (section_id));
diesel::joinable!(api_access_permissions -> api_access (access_id));
diesel::joinable!(api_access_permissions -> permissions (permission_id));
diesel::joinable!(api_access -> users (user_id));
diesel::joinable!(one_time_links -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(permissions -> sections (section_id));
diesel::joinable!(keys -> applications (application_id));
diesel::joinable!(keys -> environments (environment_id));
diesel::joinable!(keys -> users (owner_id));
diesel::joinable!(key_secrets -> keys (key_id));
diesel::joinable!(key_sections -> keys (key_id));
diesel::joinable!(key_sections -> sections (section_id));
diesel::joinable!(key_permissions -> keys (key_id));
diesel::joinable!(key_permissions -> permissions (permission_id));
diesel::joinable!(key_limits -> keys (key_id));
diesel::joinable!(key_customers -> keys (key_id));
diesel::joinable!(key_customers -> customers (customer_id));
diesel::joinable!(key_drafts -> users (user_id));
diesel::joinable!(gateways -> environments (environment_id));
diesel::joinable!(usage_minutes -> keys (key_id));
diesel::joinable!(leak_reports -> keys (key_id));
diesel::joinable!(notices -> keys (key_id));
diesel::joinable!(notices -> leak_reports (leak_report_id));
diesel::joinable!(notice_mails -> users (user_id));
diesel::joinable!(webhook_deliveries -> webhooks (webhook_id));
diesel::joinable!(webhook_attempts -> webhook_deliveries (delivery_id));
diesel::joinable!(job_attempts -> jobs (job_id));
diesel::joinable!(job_files -> jobs (job_id));
diesel::joinable!(job_downloads -> jobs (job_id));
diesel::joinable!(jobs -> users (user_id));
diesel::joinable!(jobs -> applications (application_id));

diesel::allow_tables_to_appear_in_same_query!(
    settings,
    users,
    api_access,
    one_time_links,
    sessions,
    environments,
    sections,
    permissions,
    applications,
    customers,
    keys,
    key_secrets,
    key_sections,
    key_permissions,
    key_limits,
    key_customers,
    key_drafts,
    gateways,
    audit_events,
    audit_incoming,
    usage_minutes,
    usage_journal,
    secret_callers,
    api_access_environments,
    api_access_sections,
    api_access_permissions,
    key_resets,
    changes,
    nodes,
    change_receipts,
    jobs,
    job_attempts,
    job_files,
    job_downloads,
    job_schedules,
    leak_partners,
    leak_reports,
    notices,
    notice_outbox,
    notice_mails,
    webhooks,
    webhook_deliveries,
    webhook_attempts,
    idempotent_requests,
    request_logs,
    request_log_gaps,
);
