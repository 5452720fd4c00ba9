-- Sensitivity profiles by the hash of everything that they depend on.
create table sensitivity_profile (
    key        text primary key,
    document   json        not null,
    created_at timestamptz not null default now()
);
