using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Google's Gemini API (<c>generateContent</c>, <c>streamGenerateContent</c>, <c>batchEmbedContents</c>). Its OpenAI façade is not used: that loses thought signatures,
/// and answers errors as lists.
/// </summary>
/// <remarks>
/// No equivalent exists for these members, which are left out: <c>logit_bias</c>, <c>parallel_tool_calls</c>, <c>user</c>, <c>metadata</c>,
/// <c>store</c>, <c>service_tier</c>, <c>verbosity</c>, <c>prediction</c>, <c>web_search_options</c>, a function's <c>strict</c>, a
/// message's <c>name</c>. What cannot be left out without changing the answer (audio output, image URLs, file ids, custom tools) is not carried.
/// </remarks>
public sealed class GeminiDialect(TimeProvider time, ToolCallStates states, Func<Guid>? newGuid = null) : IProviderDialect, IModelCatalog
{
    /// <summary>More than the one word: a function of the client's may be called "thinking".</summary>
    private static readonly string[] ThinkingRefusals =
        ["thinking is not", "thinking level", "thinking budget", "thinking mode", "thinking_level", "thinking_budget", "thinking_config"];

    private readonly Func<Guid> _newGuid = newGuid ?? Guid.NewGuid;

    public string Name => "gemini";

    public bool Supports(Operation operation) => operation is Operation.ChatCompletions or Operation.Embeddings;

    public ProviderCall CreateCall(GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        if (target.Provider.BaseUrl is not { } baseUrl)
        {
            return ProviderCall.CannotCarry("no base_url is set");
        }

        var isEmbedding = request.Operation == Operation.Embeddings;
        var problem = isEmbedding
            ? GeminiEmbeddings.TryWrite(request, target, out var body)
            : GeminiRequestWriter.TryWrite(request, target, habits, MemoryOf(request, target), out body);
        if (problem is not null)
        {
            return problem;
        }

        // Without alt=sse the stream would be one growing array.
        var action = isEmbedding ? ":batchEmbedContents" : request.Scan.IsStreaming ? ":streamGenerateContent?alt=sse" : ":generateContent";
        var url = GeminiUrl.Of(baseUrl, target.Provider.ApiVersion, target.Model, action);
        var message = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(body) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        AddHeaders(message.Headers, target);
        return ProviderCall.Send(message);
    }

    public ProviderReply ReadReply(ReadOnlyMemory<byte> body, GatewayRequest request, ProviderTarget target) => request.Operation == Operation.Embeddings
        ? GeminiEmbeddings.Read(body.Span, request, target)
        : new GeminiReply(MemoryOf(request, target), _newGuid).Read(body.Span, CompletionStamp.New(target.Model, time, _newGuid, request.Scan.UsesFunctions));

    public StreamTranslator CreateStreamTranslator(GatewayRequest request, ProviderTarget target) => new GeminiStreamTranslator(
        CompletionStamp.New(target.Model, time, _newGuid, request.Scan.UsesFunctions), request.Scan.IncludeUsage == true, MemoryOf(request, target), _newGuid);

    public ProviderError ReadError(int status, ReadOnlySpan<byte> body) => GeminiErrors.Read(status, body);

    public TargetHabits LearnFrom(ProviderError error, GatewayRequest request, TargetHabits known) =>
        error.Status == 400 && Array.Exists(ThinkingRefusals, words => error.Message.Contains(words, StringComparison.OrdinalIgnoreCase))
            ? TargetHabits.RefusesThinking & ~known
            : TargetHabits.None;

    public IModelCatalog Catalog => this;

    public HttpRequestMessage? CreateListCall(GatewayRequest request, ProviderTarget target)
    {
        if (target.Provider.BaseUrl is not { } baseUrl)
        {
            return null;
        }

        var message = new HttpRequestMessage(HttpMethod.Get, GeminiUrl.OfList(baseUrl, target.Provider.ApiVersion));
        AddHeaders(message.Headers, target);
        return message;
    }

    public IReadOnlyList<string>? ReadList(ReadOnlyMemory<byte> body) => ModelNames.Read(body, "models", "name");

    public bool IsModel(string listed, string model) => listed == GeminiUrl.ResourceName(model);

    private static void AddHeaders(HttpRequestHeaders headers, ProviderTarget target)
    {
        if (target.ApiKey is { } key)
        {
            // Never in the query: that stands in logs.
            headers.TryAddWithoutValidation("x-goog-api-key", key);
        }

        ConfiguredHeaders.Add(headers, target.Provider.Headers);
    }

    private GeminiCallMemory MemoryOf(GatewayRequest request, ProviderTarget target) => new(states, request.Key.Name, target.Provider.Name);
}
