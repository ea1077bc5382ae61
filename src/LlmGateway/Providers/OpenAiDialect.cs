using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// OpenAI's own form, spoken by OpenAI and every compatible server. The body that the client sent is spliced where it must change and
/// otherwise goes on byte for byte: unknown members and numbers arrive as they were written.
/// </summary>
public class OpenAiDialect : IProviderDialect, IModelCatalog
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly OpenAiFlavors _flavors;

    // By reference: an entry goes with the snapshot that its provider belongs to.
    private readonly ConditionalWeakTable<ProviderConfig, OpenAiEndpoint> _endpoints = [];
    private readonly ConditionalWeakTable<ProviderConfig, OpenAiEndpoint>.CreateValueCallback _makeEndpoint;

    /// <param name="states">What servers want back with tool calls; null: nothing is kept.</param>
    public OpenAiDialect(ToolCallStates? states = null)
    {
        _flavors = new OpenAiFlavors(states);
        _makeEndpoint = MakeEndpoint;
    }

    public virtual string Name => "openai";

    public virtual bool Supports(Operation operation) => true;

    /// <summary>Most compatible servers have the list; what has none answers 404.</summary>
    public virtual IModelCatalog? Catalog => this;

    public ProviderCall CreateCall(GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        if (BaseUrlOf(target.Provider) is not { } baseUrl)
        {
            return ProviderCall.CannotCarry($"provider '{target.Provider.Name}' has no base_url");
        }

        if (request.Operation == Operation.Passthrough)
        {
            return PassOn(request, target, baseUrl);
        }

        if (request.Operation == Operation.Completions && OpenAiBody.WhyNoSystemPrompt(request) is { } reason)
        {
            return ProviderCall.CannotCarry(reason, "prompt");
        }

        var endpoint = EndpointOf(target);
        var body = OpenAiBody.Write(request, target, habits);
        if (request.Surface is not null && (habits & TargetHabits.RefusesBorrowedMembers) != 0)
        {
            body = BorrowedMembers.Remove(body);
        }

        var flavor = request.Operation == Operation.ChatCompletions ? endpoint.Flavor : null;
        var message = new HttpRequestMessage(HttpMethod.Post, endpoint.UrlOf(request.Operation, target))
        {
            Content = (flavor is null ? body : Edit(flavor, body, request, target)).ToContent(),
        };
        message.Content.Headers.ContentType = Json;
        AddHeaders(message.Headers, request, target);
        return ProviderCall.Send(message);
    }

    public ProviderReply ReadReply(ReadOnlyMemory<byte> body, GatewayRequest request, ProviderTarget target)
    {
        if (request.Operation == Operation.Embeddings)
        {
            return OpenAiEmbeddings.Read(body, request.Scan);
        }

        if (ChunksToCompletion.IsStream(body.Span))
        {
            if (ChunksToCompletion.TryPut(body.Span) is not { } whole)
            {
                return ProviderReply.Invalid("the answer was a stream, and not a whole one");
            }

            body = whole;
        }

        return OpenAiReplyReader.Read(EditorOf(request, target) is { } editor ? editor.Edit(body) : body);
    }

    public StreamTranslator CreateStreamTranslator(GatewayRequest request, ProviderTarget target) => new OpenAiStreamRelay(request, EditorOf(request, target));

    public ProviderError ReadError(int status, ReadOnlySpan<byte> body) => OpenAiErrorReader.Read(status, body);

    public TargetHabits LearnFrom(ProviderError error, GatewayRequest request, TargetHabits known)
    {
        if (error.Status != 400)
        {
            return TargetHabits.None;
        }

        var (refused, field) = error.Param switch
        {
            "max_tokens" => (TargetHabits.RefusesMaxTokens, RequestFields.MaxTokens | RequestFields.MaxCompletionTokens),
            "temperature" => (TargetHabits.RefusesTemperature, RequestFields.Temperature),
            "top_p" => (TargetHabits.RefusesTopP, RequestFields.TopP),
            "stop" => (TargetHabits.RefusesStop, RequestFields.Stop),
            "seed" => (TargetHabits.RefusesSeed, RequestFields.Seed),
            "reasoning_effort" => (TargetHabits.RefusesThinking, request.Surface is null ? RequestFields.ReasoningEffort : RequestFields.None),
            _ => (TargetHabits.None, RequestFields.None),
        };
        if (refused != TargetHabits.None && IsUnsupported(error))
        {
            // What the client itself set stays, and would be refused again.
            return request.Scan.Has(field) ? TargetHabits.None : refused & ~known;
        }

        if (request.Surface is not null && (known & TargetHabits.RefusesBorrowedMembers) == 0 && BorrowedMembers.AreRefused(error, request.Body.Span))
        {
            return TargetHabits.RefusesBorrowedMembers;
        }

        return request.Scan.IsStreaming && RefusesStreamOptions($"{error.Param} {error.Message}") ? TargetHabits.RefusesStreamOptions & ~known : TargetHabits.None;
    }

    public HttpRequestMessage? CreateListCall(GatewayRequest request, ProviderTarget target) => CreateGet(request, target, "/models");

    public virtual HttpRequestMessage? CreateKeyCall(GatewayRequest request, ProviderTarget target) => null;

    public IReadOnlyList<string>? ReadList(ReadOnlyMemory<byte> body) => ModelNames.Read(body, "data", "id", "name");

    /// <summary>A request without a body for what the server tells about itself.</summary>
    private protected HttpRequestMessage? CreateGet(GatewayRequest request, ProviderTarget target, string path)
    {
        if (BaseUrlOf(target.Provider) is not { } baseUrl)
        {
            return null;
        }

        var url = EndpointOf(target).Flavor?.Url(baseUrl, target, path) ?? new Uri(ProviderUrl.OpenAiRoot(baseUrl) + path);
        var message = new HttpRequestMessage(HttpMethod.Get, url);
        AddHeaders(message.Headers, request, target);
        return message;
    }

    /// <summary>By OpenAI's code; other servers leave it out and say it in words.</summary>
    private static bool IsUnsupported(ProviderError error) => error.Code is "unsupported_parameter" or "unsupported_value"
        || (string.IsNullOrEmpty(error.Code)
            && (error.Param != "max_tokens" || error.Message.Contains("max_completion_tokens", StringComparison.Ordinal))
            && (error.Message.Contains("not support", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("unsupported", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Another option than <c>include_usage</c> is the client's own, and no reason to do without usage.</summary>
    private static bool RefusesStreamOptions(string text)
    {
        const string Name = "stream_options";
        var at = text.IndexOf(Name, StringComparison.Ordinal);
        var option = at < 0 ? default : text.AsSpan(at + Name.Length);
        return at >= 0 && (option is not ['.', >= 'a' and <= 'z', ..] || option.StartsWith(".include_usage"));
    }

    /// <summary>The head of a request that is passed on unread: address and credentials. Method and body are the client's.</summary>
    private ProviderCall PassOn(GatewayRequest request, ProviderTarget target, Uri baseUrl)
    {
        var root = ProviderUrl.OpenAiRoot(baseUrl) + "/";
        var url = new Uri(root + request.PassthroughPath);
        if (!url.AbsoluteUri.StartsWith(new Uri(root).AbsoluteUri, StringComparison.Ordinal))
        {
            return ProviderCall.CannotCarry("the path leads out of the provider's API");
        }

        var message = new HttpRequestMessage(HttpMethod.Get, url);
        AddHeaders(message.Headers, request, target);
        return ProviderCall.Send(message);
    }

    /// <summary>Where the provider's API is; null where nobody has said.</summary>
    protected virtual Uri? BaseUrlOf(ProviderConfig provider) => provider.BaseUrl;

    /// <summary>Credentials and what else this provider is told in headers; nothing of the client's own headers is copied.</summary>
    private void AddHeaders(HttpRequestHeaders headers, GatewayRequest request, ProviderTarget target)
    {
        if (target.ApiKey is { } key)
        {
            if (EndpointOf(target).Flavor is { } flavor)
            {
                flavor.AddKey(headers, key);
            }
            else
            {
                headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
            }
        }

        if (target.Provider.IdentityHeaders is { } names)
        {
            IdentityHeaders.Add(headers, names, request, target);
        }

        ConfiguredHeaders.Add(headers, target.Provider.Headers);
    }

    private OpenAiAnswerEditor? EditorOf(GatewayRequest request, ProviderTarget target) =>
        request.Operation != Operation.ChatCompletions || BaseUrlOf(target.Provider) is null ? null : EndpointOf(target).Flavor?.CreateEditor(request, target);

    private OpenAiEndpoint EndpointOf(ProviderTarget target) => _endpoints.GetValue(target.Provider, _makeEndpoint);

    private OpenAiEndpoint MakeEndpoint(ProviderConfig provider)
    {
        var baseUrl = BaseUrlOf(provider)!;
        return new OpenAiEndpoint(baseUrl, _flavors.Find(provider, baseUrl));
    }

    private static SplicedBody Edit(OpenAiFlavor flavor, SplicedBody body, GatewayRequest request, ProviderTarget target)
    {
        using var edits = JsonEdits.TryParse(body.ToMemory());
        if (edits is null)
        {
            return body;
        }

        try
        {
            flavor.EditRequest(edits, request, target);
            return edits.Apply();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair in a name or an id: the provider shall say what it thinks of it.
            return body;
        }
    }
}
