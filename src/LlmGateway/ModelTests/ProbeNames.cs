namespace LlmGateway.ModelTests;

/// <summary>What is asked of every model. The names are public: reports use them.</summary>
internal static class ProbeNames
{
    /// <summary>It answers at all.</summary>
    public const string Available = "available";

    /// <summary>A whole answer with text.</summary>
    public const string Chat = "chat";

    /// <summary>An answer told in pieces, to its proper end.</summary>
    public const string Streaming = "streaming";

    /// <summary>It calls a tool with the arguments that the tool wants.</summary>
    public const string Tools = "tools";

    /// <summary>It calls a tool twice in one answer.</summary>
    public const string ParallelTools = "parallel_tools";

    /// <summary><c>response_format: json_object</c> gives a JSON object.</summary>
    public const string Json = "json";

    /// <summary><c>response_format: json_schema</c> gives what the schema says.</summary>
    public const string JsonSchema = "json_schema";

    /// <summary>It sees the colour of an image.</summary>
    public const string Vision = "vision";

    /// <summary>Token counts are reported, in whole answers and in streams.</summary>
    public const string Usage = "usage";

    /// <summary>The answer says why it ended.</summary>
    public const string StopReason = "stop_reason";

    /// <summary>A stream that nobody wants any more ends at once.</summary>
    public const string Cancel = "cancel";

    public static readonly string[] All = [Available, Chat, Streaming, Tools, ParallelTools, Json, JsonSchema, Vision, Usage, StopReason, Cancel];
}
