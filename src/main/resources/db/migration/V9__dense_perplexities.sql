-- Perplexities of dense models by the hash of everything that they depend on.
create table dense_perplexity (
    key        text primary key,
    document   json        not null,
    alias      text,
    created_at timestamptz not null default now()
);
