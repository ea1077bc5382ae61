using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>
/// OpenAI's own form, spoken by OpenAI and every compatible server. The body that the client sent is spliced where it must change and
/// otherwise goes on byte for byte: unknown members and numbers arrive as they were written.
/// </summary>
public class OpenAiDialect : IProviderDialect
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    // One entry per configured provider and base URL; reloads with another URL add one more.
    private readonly ConcurrentDictionary<(Uri BaseUrl, Operation Operation), Uri> _urls = new();

    public virtual string Name => "openai";

    public virtual bool Supports(Operation operation) => true;

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
            return ProviderCall.CannotCarry(reason);
        }

        var url = _urls.GetOrAdd((baseUrl, request.Operation), static key => new Uri(ProviderUrl.OpenAiRoot(key.BaseUrl) + PathOf(key.Operation)));
        var message = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Version = HttpVersion.Version11,
            Content = OpenAiBody.Write(request, target, habits).ToContent(),
        };
        message.Content.Headers.ContentType = Json;
        AddHeaders(message.Headers, request, target);
        return ProviderCall.Send(message);
    }

    public ProviderReply ReadReply(ReadOnlyMemory<byte> body, GatewayRequest request, ProviderTarget target) => request.Operation == Operation.Embeddings
        ? OpenAiEmbeddings.Read(body, request.Scan)
        : OpenAiReplyReader.Read(body);

    public StreamTranslator CreateStreamTranslator(GatewayRequest request, ProviderTarget target) => new OpenAiStreamRelay(request);

    public ProviderError ReadError(int status, ReadOnlySpan<byte> body) => OpenAiErrorReader.Read(status, body);

    public TargetHabits LearnFrom(ProviderError error, GatewayRequest request, TargetHabits known)
    {
        if (error.Status != 400)
        {
            return TargetHabits.None;
        }

        var learnt = error.Param switch
        {
            "max_tokens" => TargetHabits.RefusesMaxTokens,
            "temperature" => TargetHabits.RefusesTemperature,
            "top_p" => TargetHabits.RefusesTopP,
            "stop" => TargetHabits.RefusesStop,
            "reasoning_effort" => TargetHabits.RefusesThinking,
            _ => TargetHabits.None,
        };
        if (learnt != TargetHabits.None && error.Code is "unsupported_parameter" or "unsupported_value")
        {
            return learnt & ~known;
        }

        return request.Scan.IsStreaming && RefusesStreamOptions($"{error.Param} {error.Message}") ? TargetHabits.RefusesStreamOptions & ~known : TargetHabits.None;
    }

    /// <summary>Another option than <c>include_usage</c> is the client's own, and no reason to do without usage.</summary>
    private static bool RefusesStreamOptions(string text)
    {
        const string Name = "stream_options";
        var at = text.IndexOf(Name, StringComparison.Ordinal);
        var option = at < 0 ? default : text.AsSpan(at + Name.Length);
        return at >= 0 && (option is not ['.', >= 'a' and <= 'z', ..] || option.StartsWith(".include_usage"));
    }

    private static string PathOf(Operation operation) => operation switch
    {
        Operation.Completions => "/completions",
        Operation.Embeddings => "/embeddings",
        _ => "/chat/completions",
    };

    /// <summary>The head of a request that is passed on unread: address and credentials. Method and body are the client's.</summary>
    private ProviderCall PassOn(GatewayRequest request, ProviderTarget target, Uri baseUrl)
    {
        var root = ProviderUrl.OpenAiRoot(baseUrl) + "/";
        var url = new Uri(root + request.PassthroughPath);
        if (!url.AbsoluteUri.StartsWith(new Uri(root).AbsoluteUri, StringComparison.Ordinal))
        {
            return ProviderCall.CannotCarry("the path leads out of the provider's API");
        }

        var message = new HttpRequestMessage(HttpMethod.Get, url) { Version = HttpVersion.Version11 };
        AddHeaders(message.Headers, request, target);
        return ProviderCall.Send(message);
    }

    /// <summary>Where the provider's API is; null where nobody has said.</summary>
    protected virtual Uri? BaseUrlOf(ProviderConfig provider) => provider.BaseUrl;

    /// <summary>Credentials and what else this provider is told in headers; nothing of the client's own headers is copied.</summary>
    protected virtual void AddHeaders(HttpRequestHeaders headers, GatewayRequest request, ProviderTarget target)
    {
        if (target.ApiKey is { } key)
        {
            headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        }

        ConfiguredHeaders.Add(headers, target.Provider.Headers);
    }
}
