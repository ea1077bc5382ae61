namespace LlmGateway.Surfaces;

/// <summary>Marks an endpoint whose clients do not speak OpenAI's form: requests, answers and errors there have the dialect's shape, whichever stage makes them.</summary>
internal sealed record SurfaceMetadata(IClientDialect Dialect)
{
    /// <summary>The dialect of the request's endpoint; null where it is OpenAI's form.</summary>
    public static IClientDialect? Of(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<SurfaceMetadata>()?.Dialect;
}
