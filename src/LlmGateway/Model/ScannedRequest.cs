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

    /// <summary>The <c>input</c> of embeddings, or the <c>prompt</c> of a legacy completion.</summary>
    public JsonRange InputValue { get; init; }

    public InputKind InputKind { get; init; }

    /// <summary>How many texts or token lists the input holds.</summary>
    public int InputCount { get; init; }

    /// <summary>What the model is given to read, whatever the operation calls it.</summary>
    public JsonRange PromptValue => MessagesValue.IsEmpty ? InputValue : MessagesValue;

    /// <summary>Whether embeddings are wanted as base64 of little-endian float32.</summary>
    public bool WantsBase64 { get; init; }

    /// <summary>Length of the vectors that embeddings are wanted in; null: the model's own.</summary>
    public int? Dimensions { get; init; }

    /// <summary>Content of the last user message (string or parts); empty where there is none.</summary>
    public JsonRange LastUserContent { get; init; }

    /// <summary>The most output tokens of one choice that the client asked for; null: it did not say.</summary>
    public long? OutputLimit { get; init; }

    /// <summary>How many answers are generated, and paid for (<c>n</c>, <c>best_of</c>).</summary>
    public long Choices { get; init; } = 1;

    /// <summary>Members that the client set, and so the profile does not.</summary>
    public RequestFields Fields { get; init; }

    /// <summary>Top-level members that are there with the value null, which a filled-in member takes the place of: name → the whole member's value.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonRange>> NullMembers { get; init; } = [];

    public bool HasTools { get; init; }

    /// <summary>Whether the tools are given in the deprecated form, as <c>functions</c>.</summary>
    public bool UsesFunctions { get; init; }

    public bool HasImages => ImageCount > 0;

    /// <summary>How many images the messages hold, embedded or by address.</summary>
    public int ImageCount { get; init; }

    /// <summary>Bytes of what the model is given to read beside the messages: tools, and the form that its answer is to have.</summary>
    public int DefinitionBytes { get; init; }

    public bool WantsJson { get; init; }

    public bool WantsJsonSchema { get; init; }

    /// <summary>The prompt's estimated tokens, once somebody has asked; 0 before. Two who ask at once find the same.</summary>
    internal long PromptTokens { get; set; }

    public bool Has(RequestFields field) => (Fields & field) != 0;
}
