using System.Collections.Concurrent;
using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Anthropic's Messages API, version 2023-06-01 unless the provider's <c>api_version</c> says otherwise.</summary>
/// <remarks>
/// No equivalent exists for these members, which are left out: <c>seed</c>, <c>frequency_penalty</c>, <c>presence_penalty</c>,
/// <c>logit_bias</c>, <c>logprobs</c>, <c>verbosity</c>, <c>prediction</c>, <c>store</c>, <c>metadata</c>, a message's <c>name</c>, and the
/// service tiers that Anthropic has not. <c>n</c> above 1, audio, custom tools and files by id are not carried at all. A call that forces a
/// tool, goes on with the assistant's own words, or has lost the thinking that a tool result belongs to is made without thinking; beside
/// thinking that the client asked for, its sampling is left out, because the provider takes no other than its own there.
/// </remarks>
public sealed class AnthropicDialect(TimeProvider time, ToolCallStates states, Func<Guid>? newGuid = null) : IProviderDialect, IModelCatalog, ITokenCounter
{
    private const string PinnedVersion = "2023-06-01";

    /// <summary>From this version on, sampling is gone from the API.</summary>
    private const string VersionWithoutSampling = "2026-10-21";

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly Func<Guid> _newGuid = newGuid ?? Guid.NewGuid;

    // One entry per configured provider and base URL; reloads with another URL add one more.
    private readonly ConcurrentDictionary<Uri, Uri> _urls = new();

    public string Name => "anthropic";

    public bool Supports(Operation operation) => operation == Operation.ChatCompletions;

    public ProviderCall CreateCall(GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        if (target.Provider.BaseUrl is not { } baseUrl)
        {
            return ProviderCall.CannotCarry($"provider '{target.Provider.Name}' has no base_url");
        }

        if (TryWriteBody(request, target, habits, out var body) is { } problem)
        {
            return problem;
        }

        var url = _urls.GetOrAdd(baseUrl, static key => new Uri(ProviderUrl.OpenAiRoot(key) + "/messages"));
        return ProviderCall.Send(CreatePost(request, target, url, body.ToContent()));
    }

    public ProviderReply ReadReply(ReadOnlyMemory<byte> body, GatewayRequest request, ProviderTarget target)
    {
        var reply = AnthropicReply.Read(body, CompletionStamp.New(target.Model, time, _newGuid, request.Scan.UsesFunctions), new AnthropicThoughts(states, request, target), _newGuid);
        return request.IsNativeAt(target) ? reply with { Body = body } : reply;
    }

    public StreamTranslator CreateStreamTranslator(GatewayRequest request, ProviderTarget target)
    {
        var translator = new AnthropicStreamTranslator(
            CompletionStamp.New(target.Model, time, _newGuid, request.Scan.UsesFunctions), request.Scan.IncludeUsage == true, new AnthropicThoughts(states, request, target), _newGuid);
        return request.IsNativeAt(target) ? new AnthropicStreamRelay(translator, request.Tally.RequestId) : translator;
    }

    public ProviderError ReadError(int status, ReadOnlySpan<byte> body) => AnthropicErrors.Read(status, body);

    public TargetHabits LearnFrom(ProviderError error, GatewayRequest request, TargetHabits known) =>
        error.Status == 400 ? Refused(error.Message, request.Scan) & ~known : TargetHabits.None;

    public IModelCatalog Catalog => this;

    public ITokenCounter TokenCounter => this;

    public HttpRequestMessage? CreateCountCall(GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        if (target.Provider.BaseUrl is not { } baseUrl || TryWriteBody(request, target, habits, out var body) is not null)
        {
            return null;
        }

        var url = new Uri(ProviderUrl.OpenAiRoot(baseUrl) + "/messages/count_tokens");
        return CreatePost(request, target, url, new ReadOnlyMemoryContent(AnthropicTokenCount.Write(body.ToMemory())));
    }

    public long? ReadCount(ReadOnlyMemory<byte> body) => AnthropicTokenCount.Read(body);

    public HttpRequestMessage? CreateListCall(GatewayRequest request, ProviderTarget target)
    {
        if (target.Provider.BaseUrl is not { } baseUrl)
        {
            return null;
        }

        var message = new HttpRequestMessage(HttpMethod.Get, new Uri(ProviderUrl.OpenAiRoot(baseUrl) + "/models?limit=1000"));
        message.Headers.TryAddWithoutValidation("anthropic-version", target.Provider.ApiVersion ?? PinnedVersion);
        AddKey(message.Headers, target);
        return message;
    }

    public IReadOnlyList<string>? ReadList(ReadOnlyMemory<byte> body) => ModelNames.Read(body, "data", "id");

    /// <summary>The list has dated names; the ones without a date, or with "latest", mean the newest of them.</summary>
    public bool IsModel(string listed, string model)
    {
        var name = model.EndsWith("-latest", StringComparison.Ordinal) ? model[..^"-latest".Length] : model;
        return listed == model || (listed.StartsWith(name + "-20", StringComparison.Ordinal) && listed.Length == name.Length + "-20260101".Length);
    }

    /// <summary>The body that the target gets, or the reason why there is none.</summary>
    private ProviderCall? TryWriteBody(GatewayRequest request, ProviderTarget target, TargetHabits habits, out SplicedBody body)
    {
        var takesSampling = string.CompareOrdinal(VersionOf(request, target), VersionWithoutSampling) < 0;
        if (request.IsNativeAt(target))
        {
            body = AnthropicNativeBody.Write(request, target, habits, takesSampling);
            return null;
        }

        var problem = AnthropicRequestWriter.TryWrite(request, target, habits, takesSampling, states, out var translated);
        body = SplicedBody.Whole(translated);
        return problem;
    }

    private static HttpRequestMessage CreatePost(GatewayRequest request, ProviderTarget target, Uri url, HttpContent content)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
        message.Content.Headers.ContentType = Json;
        message.Headers.TryAddWithoutValidation("anthropic-version", VersionOf(request, target));
        if (request.IsNativeAt(target) && AnthropicNativeBody.HeaderOf(request, "anthropic-beta") is { } betas)
        {
            message.Headers.TryAddWithoutValidation("anthropic-beta", betas);
        }

        AddKey(message.Headers, target);
        return message;
    }

    private static string VersionOf(GatewayRequest request, ProviderTarget target) =>
        (request.IsNativeAt(target) ? AnthropicNativeBody.HeaderOf(request, "anthropic-version") : null) ?? target.Provider.ApiVersion ?? PinnedVersion;

    private static void AddKey(HttpRequestHeaders headers, ProviderTarget target)
    {
        if (target.ApiKey is { } key)
        {
            headers.TryAddWithoutValidation("x-api-key", key);
        }

        ConfiguredHeaders.Add(headers, target.Provider.Headers);
    }

    /// <summary>Only what a message says of the model's own switches: the text after that may be the client's, a tool's name say.</summary>
    private static TargetHabits Refused(string message, ScannedRequest scan)
    {
        var start = message.TrimStart('`', '\'', '"');
        if (start.StartsWith("temperature", StringComparison.Ordinal))
        {
            // Where it is the pair that is refused, the one that the profile brought gives way.
            var isPair = message.Contains("top_p", StringComparison.Ordinal);
            return isPair && !scan.Has(RequestFields.TopP) ? TargetHabits.RefusesTopP
                : isPair && scan.Has(RequestFields.Temperature) ? TargetHabits.None
                : TargetHabits.RefusesTemperature;
        }

        if (start.StartsWith("top_p", StringComparison.Ordinal))
        {
            return TargetHabits.RefusesTopP;
        }

        var isThinking = start.StartsWith("thinking", StringComparison.Ordinal)
            || start.StartsWith("adaptive thinking", StringComparison.OrdinalIgnoreCase)
            || start.StartsWith("output_config.effort", StringComparison.Ordinal)
            || start.StartsWith("This model does not support", StringComparison.OrdinalIgnoreCase);
        return isThinking ? TargetHabits.RefusesThinking : TargetHabits.None;
    }
}
