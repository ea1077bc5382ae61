namespace LlmGateway.Limits;

/// <summary>Which of a key's limits refused; the names of the metric's label are those of the keys file.</summary>
internal enum LimitKind
{
    /// <summary>None: it may pass.</summary>
    None,

    /// <summary><c>rpm</c>.</summary>
    Requests,

    /// <summary><c>tpm</c>.</summary>
    Tokens,

    /// <summary><c>max_concurrency</c>.</summary>
    Concurrency,

    /// <summary><c>budget_usd</c>.</summary>
    Budget,
}
