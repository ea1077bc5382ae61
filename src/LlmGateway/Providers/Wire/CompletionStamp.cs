namespace LlmGateway.Providers.Wire;

/// <summary>What a completion and all chunks of one stream have in common.</summary>
/// <param name="Id">OpenAI's <c>id</c>.</param>
/// <param name="Created">Unix time in seconds.</param>
/// <param name="Model">The model that answers.</param>
internal sealed record CompletionStamp(string Id, long Created, string Model)
{
    public static CompletionStamp New(string model, TimeProvider time, Func<Guid> newGuid) =>
        new($"chatcmpl-{newGuid():N}", time.GetUtcNow().ToUnixTimeSeconds(), model);
}
