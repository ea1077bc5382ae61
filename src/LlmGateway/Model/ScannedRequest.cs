namespace LlmGateway.Model;

/// <summary>What one pass over the body found: the few members that the gateway acts on, with their offsets. All other members are never touched.</summary>
public sealed record ScannedRequest
{
    /// <summary>Offset just behind the opening brace, where members can be added.</summary>
    public required int MembersStart { get; init; }

    public string? Model { get; init; }

    /// <summary>The whole <c>model</c> value; empty where there is none.</summary>
    public JsonRange ModelValue { get; init; }

    public bool IsStreaming { get; init; }

    /// <summary>The <c>stream_options</c> object; empty where there is none.</summary>
    public JsonRange StreamOptionsValue { get; init; }

    /// <summary>Offset of the <c>stream_options</c> member's name.</summary>
    public int StreamOptionsStart { get; init; }

    /// <summary>Whether the client itself asked for usage in the stream; null: it did not say.</summary>
    public bool? IncludeUsage { get; init; }

    /// <summary>The value of <c>include_usage</c>; empty where there is none.</summary>
    public JsonRange IncludeUsageValue { get; init; }

    /// <summary>The <c>reasoning_effort</c> member, name and value; empty where there is none.</summary>
    public JsonRange ReasoningEffortMember { get; init; }

    /// <summary>The <c>messages</c> array.</summary>
    public JsonRange MessagesValue { get; init; }

    /// <summary>Content of the last user message (string or parts); empty where there is none.</summary>
    public JsonRange LastUserContent { get; init; }

    /// <summary>Members that the client set, and so the profile does not.</summary>
    public RequestFields Fields { get; init; }

    /// <summary>Top-level members that are there with the value null, which a filled-in member takes the place of: name → the whole member's value.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonRange>> NullMembers { get; init; } = [];

    public bool HasTools { get; init; }

    public bool HasImages { get; init; }

    public bool WantsJson { get; init; }

    public bool WantsJsonSchema { get; init; }

    public bool Has(RequestFields field) => (Fields & field) != 0;
}
