namespace LlmGateway.ModelTests;

/// <summary>
/// The questions, as chat requests without a model: the target brings its own. No sampling is set, because some models refuse it, and the
/// limit of tokens comes from the target's defaults, so that each dialect words it as its models want it.
/// </summary>
internal static class ProbeRequests
{
    /// <summary>The tool that models are asked to call, and its one argument.</summary>
    public const string ToolName = "get_weather";

    public const string ToolArgument = "city";

    /// <summary>The members that the schema demands.</summary>
    public const string SchemaText = "name";

    public const string SchemaNumber = "population_millions";

    /// <summary>What a model that sees the image says, in any spelling.</summary>
    public const string Colour = "red";

    private const string Tool =
        """[{"type":"function","function":{"name":"get_weather","description":"Tells the weather in a city now.","parameters":{"type":"object","properties":{"city":{"type":"string","description":"The city's name"}},"required":["city"],"additionalProperties":false}}}]""";

    /// <summary>32 × 32 points of plain red, as PNG.</summary>
    private const string RedImage =
        "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAKklEQVR42mN4ICBAU8QwasGoBaMWjFowasGoBaMWjFowasGoBaMWDBULALgcAD3G45K4AAAAAElFTkSuQmCC";

    public const string Chat = """{"messages":[{"role":"user","content":"Reply with the single word: ready"}]}""";

    public const string Streaming =
        """{"messages":[{"role":"user","content":"Count from one to twenty in words, separated by spaces."}],"stream":true,"stream_options":{"include_usage":true}}""";

    public const string Cancel =
        """{"messages":[{"role":"user","content":"Count from one to three hundred in words, separated by spaces. Leave none out."}],"stream":true,"stream_options":{"include_usage":true}}""";

    public const string Tools = $$"""{"messages":[{"role":"user","content":"What is the weather in Paris right now? Use the tool."}],"tools":{{Tool}}}""";

    public const string ParallelTools =
        $$"""{"messages":[{"role":"user","content":"What is the weather in Paris and in Rome right now? Call the tool once for each city, both in this answer."}],"tools":{{Tool}},"parallel_tool_calls":true}""";

    public const string Json =
        """{"messages":[{"role":"user","content":"Name the capital of France in a JSON object with the one member \"capital\"."}],"response_format":{"type":"json_object"}}""";

    /// <summary>The question does not tell the form: only the schema does.</summary>
    public const string JsonSchema =
        """{"messages":[{"role":"user","content":"Describe the city of Paris."}],"response_format":{"type":"json_schema","json_schema":{"name":"city","strict":true,"schema":{"type":"object","properties":{"name":{"type":"string"},"population_millions":{"type":"number"}},"required":["name","population_millions"],"additionalProperties":false}}}}""";

    public const string Vision =
        $$$"""{"messages":[{"role":"user","content":[{"type":"text","text":"Which colour is this image? Answer with the colour's English name alone."},{"type":"image_url","image_url":{"url":"data:image/png;base64,{{{RedImage}}}"}}]}]}""";
}
