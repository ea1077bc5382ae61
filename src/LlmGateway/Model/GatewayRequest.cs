namespace LlmGateway.Model;

/// <summary>
/// One call as received, and what was settled about it before any provider is asked. It is never edited: a stage that changes
/// something derives a new one, and each attempt is translated afresh from it.
/// </summary>
public sealed record GatewayRequest
{
    /// <summary>Under this option the request travels down the provider side.</summary>
    public static readonly HttpRequestOptionsKey<GatewayRequest> OptionsKey = new("llm_gateway.request");

    public required Operation Operation { get; init; }

    /// <summary>The body exactly as received, UTF-8 JSON that has passed the scanner.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    public required ScannedRequest Scan { get; init; }

    /// <summary>Path below the API's version and query of a call that is passed on unread; null for all others.</summary>
    public string? PassthroughPath { get; init; }

    /// <summary>What a call that is passed on may use at most, as far as its body tells; nothing for all others.</summary>
    public TokenUsage PassthroughEstimate { get; init; }

    /// <summary>The snapshot of configuration taken at the start.</summary>
    public required GatewayConfig Config { get; init; }

    public required AgentProfile Profile { get; init; }

    /// <summary>The target that the request itself names (<c>provider/model</c>, or a listed model); null: the profile's.</summary>
    public ProviderTarget? ExplicitTarget { get; init; }

    /// <summary>The role at which the request itself asks to start (<c>role:primary</c>).</summary>
    public string? ExplicitRole { get; init; }

    public required ClientKey Key { get; init; }

    public Identity Identity { get; init; } = Identity.None;

    /// <summary>The client's W3C <c>traceparent</c>, well-formed; only providers that are told to trace get it.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Name of the routing strategy.</summary>
    public required string Strategy { get; init; }

    /// <summary>Limit of the whole request, counted from <see cref="RequestTally.Started"/>.</summary>
    public required TimeSpan TotalTimeout { get; init; }

    /// <summary>What the request has cost so far; the one part that changes.</summary>
    public required RequestTally Tally { get; init; }

    /// <summary>What the client speaks where that is not OpenAI's form: a client dialect's name.</summary>
    public string? Surface { get; init; }

    /// <summary>Which providers speak the client's own form and take its body as it is; null: none.</summary>
    public NativeForm? NativeForm { get; init; }

    /// <summary>The body as such a client sent it; <see cref="Body"/> is its translation.</summary>
    public ReadOnlyMemory<byte> ClientBody { get; init; }

    /// <summary>Whether such a client wants to see the model's reasoning.</summary>
    public bool ShowsReasoning { get; init; } = true;

    /// <summary>Headers that belong to the client's own form (its version, its betas): they go with <see cref="ClientBody"/> and nowhere else.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ClientHeaders { get; init; } = [];

    /// <summary>Whether the body holds what another vendor made, so that even a provider of the client's own form gets the translation.</summary>
    public bool NeedsTranslation { get; init; }

    /// <summary>What in the request only a provider that speaks the client's own form can carry; null: nothing.</summary>
    public string? NativeOnly { get; init; }

    /// <summary>The conversation that the request belongs to; null: it stands alone.</summary>
    public SessionRef? Session { get; init; }

    /// <summary>Its open session, whose past stands in <see cref="Body"/>; null: none is open.</summary>
    public ISessionKeeper? SessionKeeper { get; init; }

    /// <summary>Tools that the gateway itself runs for this request, named as a profile names them; null: the profile's, empty: none.</summary>
    public IReadOnlyList<string>? GatewayTools { get; init; }

    /// <summary>The gateway tools in force.</summary>
    public IReadOnlyList<string> Tools => GatewayTools ?? Profile.Tools;

    /// <summary>Where calls of gateway tools are noted; null: nobody asks.</summary>
    public ToolTrace? ToolTrace { get; init; }

    /// <summary>What is left of <see cref="TotalTimeout"/>; negative when it is over.</summary>
    public TimeSpan TimeLeft(TimeProvider time) => TotalTimeout - time.GetElapsedTime(Tally.Started);

    /// <summary>What the client wants of the response cache.</summary>
    public CachePolicy CachePolicy { get; init; }

    /// <summary>Whether usage in the stream is for the gateway alone and is taken out again.</summary>
    public bool HidesStreamUsage => Scan.IsStreaming && Scan.IncludeUsage is not true;

    /// <summary>
    /// Whether client and target speak the same form and nothing in between needs OpenAI's: then the client's own body is spliced and the
    /// provider's answer goes through as it is, so that what OpenAI's form cannot say survives.
    /// </summary>
    public bool IsNativeAt(ProviderTarget target) => NativeForm is not null && NativeForm.ProviderType == target.Provider.Type && !NeedsTranslation && Tools.Count == 0;
}
