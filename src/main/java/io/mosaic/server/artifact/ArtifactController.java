package io.mosaic.server.artifact;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.server.PageView;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelFile;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.Originals;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.InputStreamResource;
import org.springframework.core.io.Resource;
import org.springframework.http.ContentDisposition;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpRange;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.MediaTypeFactory;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.util.UriUtils;

@ApiController
@RequestMapping("/models/{namespace}/{name}")
@Tag(name = "Files")
class ArtifactController {
    private static final String BYTES = "bytes=";

    private final ModelCatalog catalog;
    private final Originals originals;
    private final Artifacts artifacts;
    private final Scrub scrub;

    ArtifactController(ModelCatalog catalog, Originals originals, Artifacts artifacts, Scrub scrub) {
        this.catalog = catalog;
        this.originals = originals;
        this.artifacts = artifacts;
        this.scrub = scrub;
    }

    /**
     * A file in a list.
     *
     * @param sha256 absent until the file is first requested
     */
    record FileView(String path, long bytes, Optional<String> sha256, String link) {}

    @Operation(summary = "Lists the files of a model")
    @GetMapping("/files")
    PageView<FileView> files(@PathVariable String namespace, @PathVariable String name) {
        Optional<ModelCatalog.Elsewhere> elsewhere = elsewhere(namespace, name);
        if (elsewhere.isPresent()) {
            ModelId id = elsewhere.get().original().model();
            return PageView.all(elsewhere.get().files().stream()
                    .map(file -> view(id, file.path(), file.bytes(), Optional.of(file.sha256())))
                    .toList());
        }
        ModelCatalog.Entry model = model(namespace, name);
        return PageView.all(model.files().stream()
                .map(file -> view(model.id(), file.path(), file.bytes(), artifacts.known(model.id(), file)))
                .toList());
    }

    private static FileView view(ModelId model, String path, long bytes, Optional<String> sha256) {
        String link = "/models/" + model + "/files/" + UriUtils.encodePath(path, StandardCharsets.UTF_8);
        return new FileView(path, bytes, sha256, link);
    }

    @Operation(
            summary = "Sends a file, or the client to the object store that has it; Range and If-Range resume, the ETag"
                    + " is its SHA-256")
    @GetMapping("/files/{*path}")
    ResponseEntity<Resource> file(
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String path,
            @RequestHeader(value = HttpHeaders.RANGE, required = false) @Nullable String range,
            @RequestHeader(value = HttpHeaders.IF_RANGE, required = false) @Nullable String ifRange,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        String wanted = path.startsWith("/") ? path.substring(1) : path;
        if (originals.presigned()) {
            Optional<ModelCatalog.Elsewhere> elsewhere = elsewhere(namespace, name);
            if (elsewhere.isPresent()) {
                return redirect(elsewhere.get(), wanted, request);
            }
        }
        ModelCatalog.Entry model = intact(namespace, name);
        ModelFile file = model.files().stream()
                .filter(candidate -> candidate.path().equals(wanted))
                .findFirst()
                .orElseThrow(() -> noFile(model.id()));
        String etag = '"' + artifacts.sha256(model, file) + '"';
        Path location = model.folder().resolve(file.path());
        ResponseEntity.BodyBuilder answer = ResponseEntity.ok()
                .eTag(etag)
                .lastModified(file.modifiedAt())
                .contentType(MediaTypeFactory.getMediaType(file.path()).orElse(MediaType.APPLICATION_OCTET_STREAM))
                .header(HttpHeaders.ACCEPT_RANGES, "bytes")
                .header(
                        HttpHeaders.CONTENT_DISPOSITION,
                        attachment(location.getFileName().toString()));
        if (range != null && (!range.startsWith(BYTES) || (ifRange != null && !ifRange.equals(etag)))) {
            // Spring would still serve the range of a Resource, and the client would splice two versions of a file
            return answer.contentLength(file.bytes())
                    .body(new InputStreamResource(() -> Files.newInputStream(location)));
        }
        // Spring sets the length: several ranges together are longer or shorter than the file
        Resource body = new FileSystemResource(location);
        if (range != null && !satisfiable(range, body)) {
            response.setHeader(HttpHeaders.CONTENT_RANGE, "bytes */" + file.bytes());
            throw new MosaicException(
                    ErrorCode.RANGE_NOT_SATISFIABLE,
                    "Range " + range + " does not fit " + file.path() + " of " + file.bytes() + " bytes");
        }
        return answer.body(body);
    }

    /** Redirects a GET; the signed URL is valid for GET only, so HEAD is answered here. */
    private ResponseEntity<Resource> redirect(ModelCatalog.Elsewhere model, String path, HttpServletRequest request) {
        model.madeBy().fault().ifPresent(fault -> {
            throw fault;
        });
        Originals.OriginalFile file = model.files().stream()
                .filter(candidate -> candidate.path().equals(path))
                .findFirst()
                .orElseThrow(() -> noFile(model.original().model()));
        String etag = '"' + file.sha256() + '"';
        if (request.getMethod().equals(HttpMethod.HEAD.name())) {
            return ResponseEntity.ok()
                    .eTag(etag)
                    .lastModified(file.modifiedAt())
                    .header(HttpHeaders.ACCEPT_RANGES, "bytes")
                    .contentLength(file.bytes())
                    .build();
        }
        if (etag.equals(request.getHeader(HttpHeaders.IF_NONE_MATCH))) {
            return ResponseEntity.status(HttpStatus.NOT_MODIFIED).eTag(etag).build();
        }
        return ResponseEntity.status(HttpStatus.TEMPORARY_REDIRECT)
                .eTag(etag)
                .location(originals.presign(model.original(), path))
                .build();
    }

    private static MosaicException noFile(ModelId model) {
        return new MosaicException(ErrorCode.NOT_FOUND, "Model " + model + " has no such file; GET …/files lists them");
    }

    @Operation(
            summary = "Reads every file of a model that a job made again and compares it with the hash that it was"
                    + " published with")
    @PostMapping("/verify")
    Scrub.Verification verify(@PathVariable String namespace, @PathVariable String name) {
        return scrub.verify(model(namespace, name));
    }

    @Operation(summary = "Streams all files of a model as a tar")
    @GetMapping("/archive")
    void archive(
            @PathVariable String namespace,
            @PathVariable String name,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        ModelCatalog.Entry model = intact(namespace, name);
        model.files().forEach(file -> artifacts.requireSize(model, file));
        TarArchive archive = new TarArchive(model.id().name(), model.folder(), model.files());
        response.setContentType("application/x-tar");
        response.setContentLengthLong(archive.length());
        response.setHeader(
                HttpHeaders.CONTENT_DISPOSITION, attachment(model.id().name() + ".tar"));
        if (!request.getMethod().equals(HttpMethod.HEAD.name())) {
            archive.write(response.getOutputStream());
        }
    }

    private static String attachment(String name) {
        ContentDisposition.Builder attachment = ContentDisposition.attachment();
        boolean plain = StandardCharsets.US_ASCII.newEncoder().canEncode(name);
        return (plain ? attachment.filename(name) : attachment.filename(name, StandardCharsets.UTF_8))
                .build()
                .toString();
    }

    private static boolean satisfiable(String range, Resource body) {
        try {
            return !HttpRange.toResourceRegions(HttpRange.parseRanges(range), body)
                    .isEmpty();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** @throws MosaicException MODEL_CORRUPT when its files are known to differ from the published ones */
    private ModelCatalog.Entry intact(String namespace, String name) {
        ModelCatalog.Entry model = model(namespace, name);
        model.fault().filter(fault -> fault.code() == ErrorCode.MODEL_CORRUPT).ifPresent(fault -> {
            throw fault;
        });
        return model;
    }

    private Optional<ModelCatalog.Elsewhere> elsewhere(String namespace, String name) {
        return ModelId.of(namespace, name).flatMap(catalog::elsewhere);
    }

    private ModelCatalog.Entry model(String namespace, String name) {
        return ModelId.of(namespace, name)
                .flatMap(catalog::find)
                .orElseThrow(() -> new MosaicException(
                        ErrorCode.MODEL_NOT_FOUND, "No model " + namespace + "/" + name + "; GET /models lists them"));
    }
}
