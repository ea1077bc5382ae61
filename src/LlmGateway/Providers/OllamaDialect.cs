using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Ollama's native <c>/api/chat</c>. Its own <c>/v1</c> is not used: that ignores <c>max_completion_tokens</c>, overrides a model's sampling
/// defaults, tears messages with images apart and loses errors inside streams. What a client of Ollama's own form sends goes on as it is, to
/// <c>/api/chat</c> or <c>/api/generate</c>, and so does the answer.
/// </summary>
/// <remarks>
/// No equivalent exists for these members, which are left out: <c>logit_bias</c>, <c>parallel_tool_calls</c>, <c>tool_choice</c> "required"
/// (a named one leaves only that tool, "none" leaves no tools), <c>user</c>, <c>metadata</c>, <c>store</c>, <c>service_tier</c>,
/// <c>verbosity</c>, <c>prediction</c>, a message's <c>name</c>. What cannot be left out without changing the answer's shape
/// (<c>n</c> above 1, audio, files, image URLs, custom tools) is not carried at all.
/// </remarks>
public sealed class OllamaDialect(TimeProvider time, Func<Guid>? newGuid = null) : IProviderDialect, IModelCatalog
{
    private readonly Func<Guid> _newGuid = newGuid ?? Guid.NewGuid;

    public string Name => "ollama";

    public bool Supports(Operation operation) => operation is Operation.ChatCompletions or Operation.Embeddings;

    public ProviderCall CreateCall(GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        if (target.Provider.BaseUrl is not { } baseUrl)
        {
            return ProviderCall.CannotCarry("no base_url is set");
        }

        if (TryWrite(request, target, habits, out var path, out var content) is { } problem)
        {
            return problem;
        }

        var message = new HttpRequestMessage(HttpMethod.Post, Url(baseUrl, path)) { Content = content };
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        AddHeaders(message.Headers, target);
        return ProviderCall.Send(message);
    }

    public ProviderReply ReadReply(ReadOnlyMemory<byte> body, GatewayRequest request, ProviderTarget target)
    {
        if (request.Operation == Operation.Embeddings)
        {
            return OllamaEmbeddings.Read(body.Span, request, target);
        }

        var reply = OllamaReply.Read(body.Span, CompletionStamp.New(target.Model, time, _newGuid, request.Scan.UsesFunctions), _newGuid);
        return request.IsNativeAt(target) ? reply with { Body = body } : reply;
    }

    public StreamTranslator CreateStreamTranslator(GatewayRequest request, ProviderTarget target)
    {
        var translator = new OllamaStreamTranslator(CompletionStamp.New(target.Model, time, _newGuid, request.Scan.UsesFunctions), request.Scan.IncludeUsage == true, _newGuid);
        return request.IsNativeAt(target) ? new OllamaStreamRelay(translator) : translator;
    }

    public ProviderError ReadError(int status, ReadOnlySpan<byte> body) => OllamaErrors.Read(status, body);

    public TargetHabits LearnFrom(ProviderError error, GatewayRequest request, TargetHabits known) =>
        error.Status == 400 && error.Message.Contains("does not support thinking", StringComparison.OrdinalIgnoreCase)
            ? TargetHabits.RefusesThinking & ~known
            : TargetHabits.None;

    public IModelCatalog Catalog => this;

    public HttpRequestMessage? CreateListCall(GatewayRequest request, ProviderTarget target)
    {
        if (target.Provider.BaseUrl is not { } baseUrl)
        {
            return null;
        }

        var message = new HttpRequestMessage(HttpMethod.Get, Url(baseUrl, "/api/tags"));
        AddHeaders(message.Headers, target);
        return message;
    }

    public IReadOnlyList<string>? ReadList(ReadOnlyMemory<byte> body) => ModelNames.Read(body, "models", "name", "model");

    /// <summary>A name without a tag means the tag "latest".</summary>
    public bool IsModel(string listed, string model) => string.Equals(listed, model.Contains(':') ? model : model + ":latest", StringComparison.OrdinalIgnoreCase);

    public string? RemedyFor(string model) => $"ollama pull {model}";

    private static ProviderCall? TryWrite(GatewayRequest request, ProviderTarget target, TargetHabits habits, out string path, out HttpContent content)
    {
        ProviderCall? problem;
        if (request.IsNativeAt(target))
        {
            path = request.NativeForm!.Path;
            problem = OllamaNativeBody.TryWrite(request, target, habits, out var spliced);
            content = problem is null ? spliced.ToContent() : new ReadOnlyMemoryContent(default);
            return problem;
        }

        var isEmbedding = request.Operation == Operation.Embeddings;
        path = isEmbedding ? "/api/embed" : "/api/chat";
        problem = isEmbedding
            ? OllamaEmbeddings.TryWrite(request, target, out var body)
            : OllamaRequestWriter.TryWrite(request, target, habits, out body);
        content = new ReadOnlyMemoryContent(body);
        return problem;
    }

    private static void AddHeaders(HttpRequestHeaders headers, ProviderTarget target)
    {
        if (target.ApiKey is { } key)
        {
            headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        ConfiguredHeaders.Add(headers, target.Provider.Headers);
    }

    /// <summary>The base URL is accepted as people write it: with or without a slash, <c>/api</c> or <c>/v1</c> at its end.</summary>
    private static Uri Url(Uri baseUrl, string operation)
    {
        var path = baseUrl.AbsolutePath.TrimEnd('/');
        foreach (var suffix in (ReadOnlySpan<string>)["/v1", "/api"])
        {
            if (path.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                path = path[..^suffix.Length];
                break;
            }
        }

        return new Uri(baseUrl.GetLeftPart(UriPartial.Authority) + path + operation);
    }
}
